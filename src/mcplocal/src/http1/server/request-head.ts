import { METHODS } from "node:http";
import { HeaderLines } from "../header-lines.ts";
import { MalformedMessage } from "../malformed.ts";
import { framingOf } from "../message-reader.ts";

const REQUEST_LINE = /^([A-Z-]{1,16}) ((?:https?:\/)?\/[\x21-\x7e]*) HTTP\/1\.([01])$/;

/** Others might be what is left of a body that was read otherwise. */
const KNOWN_METHODS = new Set(METHODS);

/** What a request says before its body. */
export interface RequestHead {
  method: string;
  /** As it was sent; for most requests a path with its query. */
  target: string;
  headers: HeaderLines;
  /** How the body is framed: its length in bytes, or in chunks. */
  framing: number | "chunked";
  /** Whether the client knows chunks and kept-alive connections. */
  isHttp11: boolean;
  /** Whether the client wants the connection to end with the answer. */
  isLast: boolean;
  /** Whether the client waits for a word before it sends the body. */
  isWaiting: boolean;
}

/**
 * Takes the head of a request apart.
 *
 * @param text - request line and headers, without the empty line behind them.
 * @throws {MalformedMessage}
 * @see RFC 9112, sections 2.2, 3 and 6; RFC 9110, section 7.2
 */
export function parseRequestHead(text: string): RequestHead {
  // Some clients end a body with a line end of their own.
  const start = text.startsWith("\r\n") ? 2 : 0;
  const lineEnd = text.indexOf("\r\n", start);
  const requestLine = text.slice(start, lineEnd < 0 ? text.length : lineEnd);
  const [, method, target, minor] = REQUEST_LINE.exec(requestLine) ?? [];
  if (method === undefined || target === undefined || !KNOWN_METHODS.has(method))
    throw new MalformedMessage("its first line is malformed");
  const isHttp11 = minor === "1";
  const headers = new HeaderLines(lineEnd < 0 ? "" : text.slice(lineEnd + 2));
  const host = headers.get("host");
  if (host === undefined && isHttp11) throw new MalformedMessage("it has no Host header");
  // What came twice is joined by a comma, which no host holds.
  if (host?.includes(",")) throw new MalformedMessage("it has more than one host");
  const framing = framingOf(headers, { knowsChunks: isHttp11 }) ?? 0;
  if (framing === "until-close") throw new MalformedMessage("its length is unknown");
  return {
    method,
    target,
    headers,
    framing,
    isHttp11,
    isLast: !isHttp11 || isClosing(headers.get("connection")),
    isWaiting: isHttp11 && headers.get("expect")?.toLowerCase() === "100-continue",
  };
}

function isClosing(connection: string | undefined): boolean {
  return connection !== undefined && connection !== "keep-alive" && /\bclose\b/i.test(connection);
}
