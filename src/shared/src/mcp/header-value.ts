const PREFIX = "=?base64?";
const SUFFIX = "?=";
const PRINTABLE = /^[\x20-\x7e\t]*$/;
const PLAIN = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * Writes a value of the body as an HTTP header.
 *
 * @see MCP 2026-07-28, transports/streamable-http, "Value Encoding"
 */
export function encodeHeaderValue(value: string): string {
  const looksEncoded = value.startsWith(PREFIX) && value.endsWith(SUFFIX);
  if (PLAIN.test(value) && !looksEncoded) return value;
  return PREFIX + Buffer.from(value, "utf8").toString("base64") + SUFFIX;
}

/** The inverse. @returns undefined when no conforming client writes such a header. */
export function decodeHeaderValue(header: string): string | undefined {
  if (!PRINTABLE.test(header)) return undefined;
  const isEncoded =
    header.startsWith(PREFIX) && header.endsWith(SUFFIX) && header.length >= PREFIX.length + SUFFIX.length;
  if (!isEncoded) return header;
  const encoded = header.slice(PREFIX.length, -SUFFIX.length);
  if (!BASE64.test(encoded)) return undefined;
  try {
    return utf8.decode(Buffer.from(encoded, "base64"));
  } catch {
    return undefined;
  }
}
