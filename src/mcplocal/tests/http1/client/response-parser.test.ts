import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HeaderLines } from "../../../src/http1/header-lines.ts";
import { ResponseParser } from "../../../src/http1/client/response-parser.ts";

interface Read {
  status: number;
  headers: HeaderLines;
  body: string;
  /** Undefined while the response is not complete. */
  canReuse: boolean | undefined;
}

/** Feeds a response in pieces, then says that the connection ended. */
function read(pieces: readonly Buffer[], { isClosed = false } = {}): Read {
  const seen: Read = { status: 0, headers: new HeaderLines(""), body: "", canReuse: undefined };
  const parser = new ResponseParser({
    onHead: (status, headers) => Object.assign(seen, { status, headers }),
    onData: (chunk) => (seen.body += chunk.toString("latin1")),
    onEnd: (canReuse) => (seen.canReuse = canReuse),
  });
  parser.begin();
  for (const piece of pieces) {
    const lent = Buffer.from(piece);
    parser.push(lent);
    // Whatever the parser still needs it must have copied.
    lent.fill("#");
  }
  if (isClosed) parser.close();
  return seen;
}

const readText = (text: string, options = {}): Read => read([Buffer.from(text, "latin1")], options);

/** Cuts bytes at random places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  return sorted.slice(1).map((end, at) => bytes.subarray(sorted[at] ?? 0, end));
}

describe("a response", () => {
  it("with a length is complete at that length, and its connection can be used again", () => {
    const { headers, ...rest } = readText(
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
    );
    expect(rest).toEqual({ status: 200, body: "hello", canReuse: true });
    expect(headers.get("content-type")).toBe("text/plain");
    expect(headers.get("etag")).toBeUndefined();
  });

  it("in chunks is put together, without their extensions and trailers", () => {
    const chunks = "3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nExpires: never\r\n\r\n";
    expect(readText(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`)).toMatchObject({
      body: "hello",
      canReuse: true,
    });
  });

  it("without a length ends with its connection", () => {
    const text = "HTTP/1.1 200 OK\r\n\r\nhello";
    expect(readText(text).canReuse).toBeUndefined();
    expect(readText(text, { isClosed: true })).toMatchObject({ body: "hello", canReuse: false });
  });

  it.each([
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 304 \r\nContent-Length: 7\r\n\r\n",
    "HTTP/1.1 202\r\nContent-Length: 0\r\n\r\n",
  ])("that has no body is complete with its head: %j", (text) => {
    expect(readText(text)).toMatchObject({ body: "", canReuse: true });
  });

  it("may be announced by interim ones", () => {
    const interim = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100\r\n\r\n";
    expect(readText(`${interim}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`)).toMatchObject({
      status: 200,
      body: "ok",
    });
  });

  it.each([
    ["closes", "HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n"],
    ["is of HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"],
  ])("that %s leaves no connection for another", (_, text) => {
    expect(readText(text).canReuse).toBe(false);
  });

  it("keeps blanks within a header, and none around it", () => {
    const blanks = " \t".repeat(10_000);
    const text = `HTTP/1.1 200 OK\r\nA:${blanks}x${blanks}y${blanks}\r\nContent-Length: 0\r\n\r\n`;
    expect(readText(text).headers.get("a")).toBe(`x${blanks}y`);
  });

  it("joins what comes several times", () => {
    expect(readText("HTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\nContent-Length: 0\r\n\r\n").headers.get("a")).toBe("1, 2");
  });
});

describe("a response that readers might take differently", () => {
  it.each([
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"],
    ["a length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ["a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"],
    ["an endless length", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"],
    ["another coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"],
    ["chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ["a folded header", "HTTP/1.1 200 OK\r\nA: 1\r\n  2\r\n\r\n"],
    ["a space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n"],
    ["a bare line feed", "HTTP/1.1 200 OK\r\nA: 1\nContent-Length: 5\r\n\r\n"],
    ["a null byte", "HTTP/1.1 200 OK\r\nA: 1\0\r\n\r\n"],
    ["no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
    ["another version", "HTTP/2.0 200 OK\r\n\r\n"],
    ["a change of protocol", "HTTP/1.1 101 Switching Protocols\r\n\r\n"],
    ["a malformed chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"],
    ["a chunk that is too long", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n"],
    ["bytes behind its end", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabHTTP/1.1 200 OK\r\n\r\n"],
    ["a head without end", `HTTP/1.1 200 OK\r\nA: ${"x".repeat(70_000)}`],
  ])("is refused: %s", (_, text) => {
    expect(() => readText(text)).toThrow(expect.objectContaining({ code: "upstream-protocol" }));
  });

  it("is refused when nobody asked for it", () => {
    const parser = new ResponseParser({ onHead() {}, onData() {}, onEnd() {} });
    expect(() => parser.push(Buffer.from("HTTP/1.1 200 OK\r\n\r\n"))).toThrow(
      expect.objectContaining({ code: "upstream-protocol" }),
    );
  });

  it.each([
    "HTTP/1.1 200",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n",
  ])("is no response when it breaks off: %j", (text) => {
    expect(() => readText(text, { isClosed: true })).toThrow("before it had answered");
  });
});

describe("any response", () => {
  const bodies = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 5 });
  const places = fc.array(fc.nat(), { maxLength: 12 });

  it("means the same wherever it is cut", () => {
    fc.assert(
      fc.property(bodies, places, fc.boolean(), (parts, cuts, isChunked) => {
        const body = Buffer.concat(parts);
        const chunked = parts.flatMap((part) => [
          Buffer.from(`${part.length.toString(16)}\r\n`),
          part,
          Buffer.from("\r\n"),
        ]);
        const framing = isChunked ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`;
        const rest = isChunked ? [...chunked, Buffer.from("0\r\n\r\n")] : [body];
        const bytes = Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`), ...rest]);
        expect(read(cut(bytes, cuts))).toMatchObject({ status: 200, body: body.toString("latin1"), canReuse: true });
      }),
    );
  });

  it("is either read or refused, whatever bytes it is made of", () => {
    const heads = fc.constantFrom("", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    fc.assert(
      fc.property(heads, fc.uint8Array({ maxLength: 200 }), places, (head, noise, cuts) => {
        try {
          read(cut(Buffer.concat([Buffer.from(head), noise]), cuts));
        } catch (error) {
          expect(error).toMatchObject({ code: "upstream-protocol" });
        }
      }),
    );
  });
});
