import { medianOf, medianRatio, type Row } from "../measure/rows.ts";
import { formatFigure, formatTable } from "./table.ts";

/** Against what each figure is compared, where it was measured in the same round. */
const PEERS = ["direct", "undici", "nginx", "alone"];

/** Every case of every suite, a line for each target: the medians, and the ratios to the peers for the first figure. */
export function summarize(rows: readonly Row[]): string {
  const suites = [...new Set(rows.map(({ suite }) => suite))];
  return suites
    .map((suite) =>
      summarizeSuite(
        suite,
        rows.filter((row) => row.suite === suite),
      ),
    )
    .join("\n\n");
}

function summarizeSuite(suite: string, rows: readonly Row[]): string {
  const values = Object.keys(rows[0]?.values ?? {});
  const peers = PEERS.filter((peer) => rows.some(({ target }) => target === peer));
  const [main = ""] = values;
  const header = [suite, "", ...values, ...peers.map((peer) => `x ${peer}`)];
  const keys = [...new Map(rows.map((row) => [`${row.case} ${row.target}`, row])).values()];
  const lines = keys.map(({ case: name, target }) => [
    name,
    target,
    ...values.map((value) => formatFigure(medianOf(rows, { suite, case: name, target, value }))),
    ...peers.map((peer) => formatFigure(medianRatio(rows, { suite, case: name, target, value: main }, peer))),
  ]);
  return formatTable({ header, lines });
}
