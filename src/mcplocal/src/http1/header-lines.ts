import { MalformedMessage } from "./malformed.ts";

const COLON = 0x3a;
const CASE_BIT = 0x20;
const SPACE = 0x20;
const TAB = 0x09;
const DELETE = 0x7f;
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const LINE_END = "\r\n";
const SEPARATORS = new Set('()<>@,;:\\"/[]?={} \t'.split("").map((character) => character.charCodeAt(0)));
/** Whether a character may stand in the name of a header, by its code. */
const IS_NAME = Array.from({ length: 128 }, (_, code) => code > 0x20 && code < 0x7f && !SEPARATORS.has(code));

/**
 * The headers of a message, as they came. Few of them are ever asked for, so they are checked once and taken apart
 * only for an answer.
 */
export class HeaderLines {
  readonly #text: string;
  /** Where each line begins, and where the one behind the last would. */
  readonly #starts: number[] = [0];

  /**
   * @param text - the lines, separated by CRLF, without the line end of the last one.
   * @throws {MalformedMessage} for a line that is no header, and for control characters in one: a line
   *   end that only some readers take for one, or the end of a string.
   */
  constructor(text: string) {
    this.#text = text;
    for (let at = 0; at < text.length;) {
      at = skipName(text, at);
      at = skipValue(text, at) + LINE_END.length;
      this.#starts.push(at);
    }
  }

  /** @param name - in lower case. @returns what came several times joined by commas; undefined for what did not come. */
  get(name: string): string | undefined {
    let found: string | undefined;
    for (let line = 0; line + 1 < this.#starts.length; line += 1) {
      const start = this.#starts[line] ?? 0;
      if (!isNamed(this.#text, start, name)) continue;
      const end = (this.#starts[line + 1] ?? 0) - LINE_END.length;
      const value = withoutBlanks(this.#text, start + name.length + 1, end);
      found = found === undefined ? value : `${found}, ${value}`;
    }
    return found;
  }
}

function skipName(text: string, start: number): number {
  let at = start;
  while (IS_NAME[text.charCodeAt(at)]) at += 1;
  if (at === start || text.charCodeAt(at) !== COLON) throw new MalformedMessage("one of its headers is malformed");
  return at + 1;
}

/** @returns where the line end begins, or the end of the text. */
function skipValue(text: string, start: number): number {
  let at = start;
  for (let code = text.charCodeAt(at); (code >= SPACE && code !== DELETE) || code === TAB; code = text.charCodeAt(at))
    at += 1;
  const isEnd =
    at === text.length || (text.charCodeAt(at) === CARRIAGE_RETURN && text.charCodeAt(at + 1) === LINE_FEED);
  if (!isEnd) throw new MalformedMessage("one of its headers holds a control character");
  return at;
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
