import { stripVTControlCharacters } from "node:util";

/** Control characters, and the format characters that reorder text or break lines. */
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+/gu;
const UNPRINTABLE_IN_BLOCK = /[^\P{Cc}\n]+|[\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+/gu;

/** Text from outside for one line of a terminal: it can neither move the cursor nor begin a new line. */
export function oneLine(text: string, { keepIndent = false } = {}): string {
  const clean = stripVTControlCharacters(text).replace(UNPRINTABLE, " ");
  return keepIndent ? clean.trimEnd() : clean;
}

/** Text from outside for several lines: line breaks stay. */
export function printableText(text: string): string {
  return stripVTControlCharacters(text).replace(UNPRINTABLE_IN_BLOCK, " ");
}

/** The same for every string inside a value. */
export function printable(value: unknown): unknown {
  if (typeof value === "string") return printableText(value);
  if (Array.isArray(value)) return value.map(printable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [oneLine(key), printable(inner)]));
}

/** For JSON and YAML: what a serializer leaves raw inside quotes, and a terminal would obey. */
export function escapeUnprintable(text: string): string {
  return text.replace(/[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** Two columns each, as terminals draw them: East Asian wide and full-width forms, and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}\p{Emoji_Presentation}\ufe0f]/u;
const ZERO_WIDTH = /^[\p{Mark}\p{Cf}]+$/u;
const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** How many columns of a terminal a text takes. */
export function displayWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) {
    if (!ZERO_WIDTH.test(segment)) width += WIDE.test(segment) ? 2 : 1;
  }
  return width;
}

export function padToWidth(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - displayWidth(text)));
}
