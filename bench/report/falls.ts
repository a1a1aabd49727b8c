import { medianRatio, type Row } from "../measure/rows.ts";

/** Cells whose ratio to the plainest proxy in Node is watched. */
export const WATCHED = ["modern call x16", "modern list x1"];
const SUITE = "hot-path";
const VALUE = "callsPerSecond";
const TARGET = "gateway";
const PEER = "undici";
/** On a busy machine ratios scatter; a fall to less than this is no scatter. */
const LEAST_SHARE = 0.5;

export interface Fall {
  case: string;
  measured: number;
  recorded: number;
}

/**
 * Compares throughput, relative to a bare proxy measured at the same time, with what was recorded.
 *
 * @returns the cells that have fallen to less than half.
 * @throws when a cell is missing in either.
 */
export function findFalls(recordedRows: readonly Row[], measuredRows: readonly Row[]): Fall[] {
  return WATCHED.map((name) => ({
    case: name,
    measured: ratioOf(measuredRows, name),
    recorded: medianRatioOf(recordedRows, name),
  })).filter(({ measured, recorded }) => measured < recorded * LEAST_SHARE);
}

/**
 * Throughput of the gateway through that of the proxy: the median of the rounds, or the best round of each where that is
 * higher. Whatever else works on the machine can make either of them too low, but seldom both.
 */
export function ratioOf(rows: readonly Row[], name: string): number {
  return Math.max(medianRatioOf(rows, name), bestOf(rows, name, TARGET) / bestOf(rows, name, PEER));
}

function bestOf(rows: readonly Row[], name: string, target: string): number {
  const rounds = rows.filter((row) => row.suite === SUITE && row.case === name && row.target === target);
  return Math.max(...rounds.map(({ values }) => values[VALUE] ?? NaN));
}

/** @throws when it was not measured. */
export function medianRatioOf(rows: readonly Row[], name: string): number {
  const ratio = medianRatio(rows, { suite: SUITE, case: name, target: TARGET, value: VALUE }, PEER);
  if (Number.isNaN(ratio)) throw new Error(`There is no measurement of "${name}" through ${TARGET} and ${PEER}`);
  return ratio;
}
