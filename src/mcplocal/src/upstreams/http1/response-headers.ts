import { malformed } from "./malformed.ts";

const COLON = 0x3a;
const CASE_BIT = 0x20;
const SEPARATORS = new Set('()<>@,;:\\"/[]?={} \t'.split("").map((character) => character.charCodeAt(0)));
/** Whether a character may stand in the name of a header, by its code. */
const IS_NAME = Array.from({ length: 128 }, (_, code) => code > 0x20 && code < 0x7f && !SEPARATORS.has(code));

/**
 * The headers of a response, as they came. Few of them are ever asked for, so they are checked once and taken apart
 * only for an answer.
 */
export class ResponseHeaders {
  readonly #text: string;

  /**
   * @param text - the lines, separated by CRLF, without the line end of the last one.
   * @throws {McpctlError} `upstream-protocol` for a line that is no header.
   */
  constructor(text: string) {
    this.#text = text;
    for (let start = 0; start < text.length; start = lineEnd(text, start) + 2) {
      let at = start;
      while (IS_NAME[text.charCodeAt(at)]) at += 1;
      if (at === start || text.charCodeAt(at) !== COLON) throw malformed("one of its headers is malformed");
    }
  }

  /** @param name - in lower case. @returns what came several times joined by commas; undefined for what did not come. */
  get(name: string): string | undefined {
    const text = this.#text;
    let found: string | undefined;
    for (let start = 0; start < text.length; start = lineEnd(text, start) + 2) {
      if (!isNamed(text, start, name)) continue;
      const value = withoutBlanks(text, start + name.length + 1, lineEnd(text, start));
      found = found === undefined ? value : `${found}, ${value}`;
    }
    return found;
  }
}

function lineEnd(text: string, start: number): number {
  const end = text.indexOf("\r\n", start);
  return end < 0 ? text.length : end;
}

/** Whether a line is the header of this name. Names differ in their length or their first characters, mostly. */
function isNamed(text: string, start: number, name: string): boolean {
  if (text.charCodeAt(start + name.length) !== COLON) return false;
  for (let at = 0; at < name.length; at += 1) {
    const code = text.charCodeAt(start + at);
    const wanted = name.charCodeAt(at);
    const isSame = code === wanted || ((code | CASE_BIT) === wanted && wanted >= 0x61 && wanted <= 0x7a);
    if (!isSame) return false;
  }
  return true;
}

function withoutBlanks(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text, start)) start += 1;
  while (end > start && isBlank(text, end - 1)) end -= 1;
  return text.slice(start, end);
}

function isBlank(text: string, at: number): boolean {
  return text[at] === " " || text[at] === "\t";
}
