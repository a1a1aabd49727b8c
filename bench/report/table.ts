export interface Table {
  header: readonly string[];
  lines: readonly (readonly string[])[];
}

/** Aligns cells in columns, the first to the left and numbers to the right. */
export function formatTable({ header, lines }: Table): string {
  const all = [header, ...lines];
  const widths = header.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0)));
  const format = (line: readonly string[]) =>
    line.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)));
  const rule = widths.map((width) => "-".repeat(width));
  return [format(header), rule, ...lines.map(format)].map((line) => line.join("  ").trimEnd()).join("\n");
}

/** The same in Markdown, laid out as the formatter wants it. */
export function formatMarkdown({ header, lines }: Table): string {
  const all = [header, ...lines];
  const widths = header.map((_, column) => Math.max(3, ...all.map((line) => line[column]?.length ?? 0)));
  const format = (line: readonly string[]) =>
    line.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)));
  const rule = widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [format(header), rule, ...lines.map(format)].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** A figure with as many digits as a person reads; a dash where it was not measured. */
export function formatFigure(value: number): string {
  if (Number.isNaN(value)) return "-";
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}
