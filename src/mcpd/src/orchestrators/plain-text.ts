const ESCAPE_SEQUENCES =
  // oxlint-disable-next-line no-control-regex -- Escape sequences are what it looks for.
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[ -/]*[0-~])/g;
/** All controls but tab and line feed, and what reorders or breaks lines in Unicode. */
const CONTROLS = /[^\P{Cc}\t\n]|[\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** Makes text of a server safe to print and to log: no escape sequences, no control characters, bounded lines. */
export function toPlainText(text: string, maxLineLength: number): string {
  const lines = text.replace(ESCAPE_SEQUENCES, "").replace(/\r\n?/g, "\n").replace(CONTROLS, "").split("\n");
  return lines.map((line) => (line.length > maxLineLength ? `${line.slice(0, maxLineLength)}…` : line)).join("\n");
}
