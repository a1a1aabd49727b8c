import { BACKSLASH, CLOSE_BRACE, CLOSE_BRACKET, COLON, OPEN_BRACE, OPEN_BRACKET, QUOTE } from "./json-characters.ts";
export interface JsonShape {
  /** How deeply objects and arrays are nested; counting stops one above the limit. */
  depth: number;
  /** Members of the outermost object, a key that is written twice counted twice. */
  members: number;
}

/**
 * Measures JSON text before it is parsed. Of text that is no JSON the answer means nothing, but that text does not
 * survive the parser either.
 */
export function measureJson(bytes: Uint8Array, maxDepth: number): JsonShape {
  let depth = 0;
  let deepest = 0;
  let members = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) at = closingQuote(bytes, at + 1);
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth += 1;
      if (depth > deepest) deepest = depth;
      if (deepest > maxDepth) break;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
    else if (byte === COLON && depth === 1) members += 1;
  }
  return { depth: deepest, members };
}

function closingQuote(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}
