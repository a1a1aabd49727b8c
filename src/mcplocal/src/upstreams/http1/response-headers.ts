import { malformed } from "./malformed.ts";

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * The headers of a response. There are few and fewer are asked for, so they are kept as two lists: an object whose keys
 * come from outside costs several times as much.
 */
export class ResponseHeaders {
  readonly #names: string[] = [];
  readonly #values: string[] = [];

  /** @throws {McpctlError} `upstream-protocol` for a line that is no header. */
  constructor(lines: readonly string[]) {
    for (const line of lines) {
      const colon = line.indexOf(":");
      const name = line.slice(0, Math.max(colon, 0));
      if (!NAME.test(name)) throw malformed("one of its headers is malformed");
      this.#names.push(name.toLowerCase());
      this.#values.push(withoutBlanks(line, colon + 1));
    }
  }

  /** @param name - in lower case. @returns what came several times joined by commas; undefined for what did not come. */
  get(name: string): string | undefined {
    let found: string | undefined;
    for (let at = 0; at < this.#names.length; at += 1) {
      if (this.#names[at] !== name) continue;
      found = found === undefined ? this.#values[at] : `${found}, ${this.#values[at]}`;
    }
    return found;
  }
}

function withoutBlanks(line: string, from: number): string {
  let start = from;
  let end = line.length;
  while (start < end && isBlank(line, start)) start += 1;
  while (end > start && isBlank(line, end - 1)) end -= 1;
  return line.slice(start, end);
}

function isBlank(text: string, at: number): boolean {
  return text[at] === " " || text[at] === "\t";
}
