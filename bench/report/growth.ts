import { medianOf, type Row } from "../measure/rows.ts";
import { median } from "../measure/statistics.ts";
import { formatFigure, type Table } from "./table.ts";

/** A cost that grows with a higher power of the size than this is called worse than linear; 1 is linear. */
const LINEAR = 1.15;
/** A cost that rises by no more than this over the whole range is called independent of the size. */
const INDEPENDENT = 1.25;

/** What must not depend on the size at all. */
const INDEPENDENT_COSTS: Readonly<Record<string, readonly string[]>> = {
  "growth-tokens": ["firstRequestMs", "introspectMs", "listP50Ms", "callP50Ms"],
};

/** How the targets begin that are the product. */
const OURS = "gateway";

const NAMES: Readonly<Record<string, string>> = {
  firstListMs: "first list of the project, ms",
  firstRequestMs: "first request of a token, ms",
  introspectMs: "introspection at mcpd, ms",
  openMs: "opening a session, ms",
  callP50Ms: "`tools/call`, ms",
  listP50Ms: "`tools/list`, ms",
  callsPerSecond: "calls a second, 16 in flight",
  allInTurnPerSecond: "the same, all tokens in turn",
  gatewayCpuPer1000: "CPU s of the gateway, 1,000 calls",
  mcpdCpuPer1000: "CPU s of mcpd, 1,000 calls",
  cpuPer1000: "CPU s, 1,000 calls",
  rssMb: "RSS, MB",
};

/** How one figure of one target changes with the size. */
export interface Curve {
  suite: string;
  target: string;
  value: string;
  /** Ascending sizes, with the median of the rounds and every round. */
  points: { size: number; median: number; rounds: number[] }[];
  /** The power of the size that the cost grows with, over the whole range; NaN where it was too small to be measured. */
  exponent: number;
  /** The same from the middle size on: a fixed cost hides growth at small sizes. */
  upperExponent: number;
  /** The cost at the last size through that at the first. */
  ratio: number;
  verdict: "independent" | "linear or better" | "WORSE THAN LINEAR" | "DEPENDS" | "";
}

/** Every curve of the growth suites. The cost of a throughput is its inverse. */
export function listCurves(rows: readonly Row[]): Curve[] {
  const growth = rows.filter(({ suite }) => suite.startsWith("growth-"));
  const keys = new Map(
    growth.flatMap(({ suite, target, values }) =>
      Object.keys(values).map((value) => [`${suite} ${target} ${value}`, { suite, target, value }] as const),
    ),
  );
  const curves = [...keys.values()].map((key) => toCurve(growth, key));
  return curves.map((curve) => ({
    ...curve,
    verdict: judge(
      curve,
      curves.find((other) => isServerOf(curve, other)),
    ),
  }));
}

/** The curves of one suite: the figure at each size, and what becomes of it. */
export function growthTable(curves: readonly Curve[]): Table {
  const sizes = [...new Set(curves.flatMap(({ points }) => points.map(({ size }) => size)))].toSorted((a, b) => a - b);
  const lines = curves.map(({ target, value, points, exponent, upperExponent, verdict }) => [
    `${NAMES[value] ?? value} (${target})`,
    ...sizes.map((size) => formatFigure(points.find((point) => point.size === size)?.median ?? NaN)),
    formatFigure(exponent),
    formatFigure(upperExponent),
    verdict,
  ]);
  const header = ["figure", ...sizes.map((size) => size.toLocaleString("en")), "exponent", "upper half", "growth"];
  return { header, lines };
}

type Measured = Omit<Curve, "verdict">;
type Key = Pick<Curve, "suite" | "target" | "value">;

function toCurve(rows: readonly Row[], key: Key): Measured {
  const { suite, target, value } = key;
  const own = rows.filter((row) => row.suite === suite && row.target === target);
  const sizes = [...new Set(own.map((row) => Number(row.case)))].toSorted((a, b) => a - b);
  const points = sizes.map((size) => ({
    size,
    median: medianOf(rows, { ...key, case: String(size) }),
    rounds: own.filter((row) => Number(row.case) === size).map(({ values }) => values[value] ?? NaN),
  }));
  const costs = points.map((point) => ({ size: point.size, cost: costOf(value, point.median) }));
  const [first, last] = [costs[0], costs.at(-1)];
  const middle = costs[costs.length >> 1];
  const figures = {
    exponent: exponentOf(first, last),
    upperExponent: exponentOf(middle, last),
    ratio: (last?.cost ?? NaN) / (first?.cost ?? NaN),
  };
  return { ...key, points, ...figures };
}

function costOf(value: string, figure: number): number {
  return value.endsWith("PerSecond") ? 1 / figure : figure;
}

interface Sized {
  size: number;
  cost: number;
}

/** NaN where a cost is too small to be measured. */
function exponentOf(from: Sized | undefined, to: Sized | undefined): number {
  if (!from || !to || !(from.cost > 0) || !(to.cost > 0)) return NaN;
  return Math.log(to.cost / from.cost) / Math.log(to.size / from.size);
}

/** Whether a curve shows the same of the server reached directly. */
function isServerOf({ suite, value }: Measured, other: Measured): boolean {
  return other.target === "direct" && other.suite === suite && other.value === value;
}

/** Judges what is ours. What the server needs itself, and the machine makes dear, is not the gateway's growth. */
function judge({ suite, target, value, points, ...figures }: Measured, server: Measured | undefined): Curve["verdict"] {
  const { exponent, upperExponent, ratio } = figures;
  if (!target.startsWith(OURS)) return "";
  if (INDEPENDENT_COSTS[suite]?.includes(value)) {
    return ratio <= INDEPENDENT || areAlike(points[0]?.rounds, points.at(-1)?.rounds) ? "independent" : "DEPENDS";
  }
  if (Number.isNaN(exponent)) return "";
  const limit = Math.max(LINEAR, server?.exponent || 0, server?.upperExponent || 0);
  return Math.max(exponent, upperExponent) > limit ? "WORSE THAN LINEAR" : "linear or better";
}

/** Whether the median of each lies within what the rounds of the other span: then they differ by no more than noise. */
function areAlike(some: readonly number[] = [], others: readonly number[] = []): boolean {
  return isWithin(median(some), others) || isWithin(median(others), some);
}

function isWithin(value: number, span: readonly number[]): boolean {
  return value >= Math.min(...span) && value <= Math.max(...span);
}
