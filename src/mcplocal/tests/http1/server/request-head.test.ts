import { describe, expect, it } from "vitest";
import { MalformedMessage } from "../../../src/http1/malformed.ts";
import { parseRequestHead } from "../../../src/http1/server/request-head.ts";

describe("the head of a request", () => {
  it("says what is wanted, and how long the body is", () => {
    const { headers, ...head } = parseRequestHead(
      "POST /mcp?x=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12\r\nAccept:\t*/* ",
    );
    expect(head).toEqual({
      method: "POST",
      target: "/mcp?x=1",
      framing: 12,
      isHttp11: true,
      isLast: false,
      isWaiting: false,
    });
    expect(headers.get("accept")).toBe("*/*");
  });

  it.each([
    ["has no body when it says nothing of one", "GET / HTTP/1.1\r\nHost: a", { framing: 0 }],
    ["may have a body in chunks", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked", { framing: "chunked" }],
    ["may be the last of its connection", "GET / HTTP/1.1\r\nHost: a\r\nConnection: TE, Close", { isLast: true }],
    ["of HTTP/1.0 is the last of its connection", "GET / HTTP/1.0", { isHttp11: false, isLast: true }],
    ["may announce a body", "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue", { isWaiting: true }],
    ["may follow a stray line end", "\r\nGET / HTTP/1.1\r\nHost: a", { method: "GET" }],
  ])("%s", (_, text, expected) => {
    expect(parseRequestHead(text)).toMatchObject(expected);
  });

  it.each([
    ["no target", "GET HTTP/1.1\r\nHost: a"],
    ["a method that nobody knows", "helloGET / HTTP/1.1\r\nHost: a"],
    ["two blanks", "GET  / HTTP/1.1\r\nHost: a"],
    ["something behind the version", "GET / HTTP/1.1 \r\nHost: a"],
    ["another version", "GET / HTTP/2.0\r\nHost: a"],
    ["a control character in the target", "GET /\t HTTP/1.1\r\nHost: a"],
    ["a target that is no ASCII", "GET /\u00e4 HTTP/1.1\r\nHost: a"],
    ["no host", "GET / HTTP/1.1\r\nAccept: */*"],
    ["two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a"],
    ["two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1"],
    ["a list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1"],
    ["a length and chunks", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked"],
    ["a length with a sign", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1"],
    ["a length that is no number", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1"],
    ["a coding besides chunks", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked"],
    ["chunks twice", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked"],
    ["chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked"],
    ["a blank before a colon", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked"],
    ["a folded header", "POST / HTTP/1.1\r\nHost: a\r\nA: 1\r\n 2"],
    ["a bare line feed", "POST / HTTP/1.1\r\nHost: a\r\nA: 1\nTransfer-Encoding: chunked"],
    ["a bare carriage return", "POST / HTTP/1.1\r\nHost: a\r\nA: 1\rB: 2"],
    ["a null byte", "POST / HTTP/1.1\r\nHost: a\r\nA: \0"],
    ["a header without a name", "POST / HTTP/1.1\r\nHost: a\r\n: 1"],
  ])("is refused with %s", (_, text) => {
    expect(() => parseRequestHead(text)).toThrow(MalformedMessage);
  });
});
