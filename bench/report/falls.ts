import { medianRatio, type Row } from "../measure/rows.ts";

/** Cells whose ratio to the plainest proxy in Node is watched. */
export const WATCHED = ["modern call x16", "modern list x1"];
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
    recorded: ratioOf(recordedRows, name),
  })).filter(({ measured, recorded }) => measured < recorded * LEAST_SHARE);
}

/** Throughput of the gateway through that of the proxy. @throws when it was not measured. */
export function ratioOf(rows: readonly Row[], name: string): number {
  const selection = { suite: "hot-path", case: name, target: TARGET, value: "callsPerSecond" };
  const ratio = medianRatio(rows, selection, PEER);
  if (Number.isNaN(ratio)) throw new Error(`There is no measurement of "${name}" through ${TARGET} and ${PEER}`);
  return ratio;
}
