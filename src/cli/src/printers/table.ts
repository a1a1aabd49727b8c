import { displayWidth, oneLine, padToWidth } from "./text.ts";

const GAP = "   ";
const MISSING = "-";

export interface Grid {
  headers: readonly string[];
  rows: readonly (readonly (string | undefined)[])[];
  hasHeaders: boolean;
}

/** Aligns columns by what a terminal shows; a missing value is `-`. @returns one line per row. */
export function formatTable({ headers, rows, hasHeaders }: Grid): string[] {
  const cells = rows.map((row) => row.map((cell) => firstLine(cell ?? "") || MISSING));
  const lines = hasHeaders ? [headers.map((header) => header.toUpperCase()), ...cells] : cells;
  const widths = headers.map((_, column) => Math.max(0, ...lines.map((line) => displayWidth(line[column] ?? ""))));
  return lines.map((line) =>
    line
      .map((cell, column) => padToWidth(cell, widths[column] ?? 0))
      .join(GAP)
      .trimEnd(),
  );
}

/** Only the beginning of what takes several lines, such as the end of a log; `describe` shows all of it. */
function firstLine(text: string): string {
  const [first = "", ...rest] = text.trim().split(/\s*\n/);
  return rest.length === 0 ? oneLine(first) : `${oneLine(first)} ...`;
}

export type Pair = readonly [key: string, value: string];

/** @returns one `Key:  value` per line, the values aligned. */
export function formatPairs(pairs: readonly Pair[]): string[] {
  const width = Math.max(0, ...pairs.map(([key]) => key.length + 1));
  return pairs.map(([key, value]) => `${padToWidth(`${key}:`, width)}  ${oneLine(value)}`);
}
