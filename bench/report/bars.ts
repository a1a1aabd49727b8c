import { medianOf, medianRatio, type Row } from "../measure/rows.ts";
import { formatFigure, type Table } from "./table.ts";

/** A promise about speed: how it is worked out of the measurements, and what it is to be. */
interface Bar {
  promise: string;
  /** What must hold, and what is aimed at. */
  bar: number;
  aim: number;
  isLowerBetter?: boolean;
  /** For one era, where both are measured. */
  valueOf(rows: readonly Row[], era: "modern" | "legacy"): number;
}

const ratioOf =
  (target: string, { kind, value = "callsPerSecond", against }: { kind: string; value?: string; against: string }) =>
  (rows: readonly Row[], era: string) =>
    medianRatio(rows, { suite: "hot-path", case: `${era} ${kind}`, target, value }, against);

const memoryOf = (value: string) => (rows: readonly Row[]) =>
  medianOf(rows, { suite: "memory", case: "gateway", target: "gateway", value });

const faultOf = (kind: string, name: string, value: string) => (rows: readonly Row[]) =>
  medianOf(rows, { suite: `faults: ${kind}`, case: name, target: "gateway", value });

const sufferingFrom = (clients: string) => (rows: readonly Row[]) =>
  medianRatio(rows, { suite: "faults: clients", case: clients, target: "with fault", value: "p99Ms" }, "alone");

/** How much longer than straight a call takes, against how much longer it takes through the undici proxy. */
function addedLatency(rows: readonly Row[], era: string): number {
  const p50 = (target: string) => medianOf(rows, { suite: "hot-path", case: `${era} call x1`, target, value: "p50Ms" });
  return (p50("gateway") - p50("direct")) / (p50("undici") - p50("direct"));
}

const startOf = (name: string) => (rows: readonly Row[]) =>
  medianOf(rows, { suite: "start-up", case: name, target: "mcpctl up", value: "ms" });

const overFloor = (engine: string) => (rows: readonly Row[]) => {
  const msOf = (target: string) =>
    medianOf(rows, { suite: "start-up", case: `cold start, 30 servers, ${engine}`, target, value: "ms" });
  return msOf("gateway") - msOf("floor");
};

const BARS: readonly Bar[] = [
  {
    promise: "call, 16 in flight, throughput / undici proxy",
    bar: 0.9,
    aim: 1.1,
    valueOf: ratioOf("gateway", { kind: "call x16", against: "undici" }),
  },
  {
    promise: "the same / nginx, HTTP server",
    bar: 0.55,
    aim: 0.8,
    valueOf: ratioOf("gateway", { kind: "call x16", against: "nginx" }),
  },
  {
    promise: "the same / nginx, stdio server",
    bar: 0.8,
    aim: 1,
    valueOf: ratioOf("gateway-stdio", { kind: "call x16", against: "nginx" }),
  },
  {
    promise: "call, 1 in flight, p50 added / undici proxy's",
    bar: 1.5,
    aim: 1,
    isLowerBetter: true,
    valueOf: addedLatency,
  },
  {
    promise: "call, 64 in flight, p99 / direct",
    bar: 3,
    aim: 2,
    isLowerBetter: true,
    valueOf: ratioOf("gateway", { kind: "call x64", value: "p99Ms", against: "direct" }),
  },
  {
    promise: "CPU per call, 16 in flight / undici proxy's",
    bar: 1.3,
    aim: 0.8,
    isLowerBetter: true,
    valueOf: ratioOf("gateway", { kind: "call x16", value: "cpuSecondsPer1000", against: "undici" }),
  },
  {
    promise: "tools/list, 1 in flight, throughput / direct",
    bar: 1,
    aim: 1.15,
    valueOf: ratioOf("gateway", { kind: "list x1", against: "direct" }),
  },
  {
    promise: "100 KB result, 1 in flight / nginx, HTTP server",
    bar: 0.4,
    aim: 0.55,
    valueOf: ratioOf("gateway", { kind: "100 KB x1", against: "nginx" }),
  },
  {
    promise: "100 KB result, 1 in flight / nginx, stdio server",
    bar: 0.6,
    aim: 0.75,
    valueOf: ratioOf("gateway-stdio", { kind: "100 KB x1", against: "nginx" }),
  },
  {
    promise: "decision about a call, µs",
    bar: 50,
    aim: 5,
    isLowerBetter: true,
    valueOf: (rows) =>
      medianOf(rows, { suite: "decision", case: "token and tool", target: "gateway", value: "microseconds" }),
  },
  { promise: "RSS fresh, MB", bar: 90, aim: 60, isLowerBetter: true, valueOf: memoryOf("freshMb") },
  {
    promise: "RSS growth, second 10,000 calls, MB",
    bar: 2,
    aim: 0,
    isLowerBetter: true,
    valueOf: memoryOf("second10000Mb"),
  },
  { promise: "RSS per session, KB", bar: 10, aim: 6, isLowerBetter: true, valueOf: memoryOf("perSessionKb") },
  ...["PostgreSQL", "embedded"].map((engine) => ({
    promise: `cold start, 30 stdio servers, over the floor, ms, ${engine}`,
    bar: 300,
    aim: 150,
    isLowerBetter: true,
    valueOf: overFloor(engine),
  })),
  { promise: "up, first start, ms", bar: 3_000, aim: 3_000, isLowerBetter: true, valueOf: startOf("up, first start") },
  {
    promise: "up, second start, ms",
    bar: 2_000,
    aim: 2_000,
    isLowerBetter: true,
    valueOf: startOf("up, second start"),
  },
  {
    promise: "call that ends its server, until it fails, ms",
    bar: 100,
    aim: 20,
    isLowerBetter: true,
    valueOf: faultOf("crash", "first crash", "failedMs"),
  },
  {
    promise: "the same, until the next call succeeds, ms",
    bar: 3_000,
    aim: 1_000,
    isLowerBetter: true,
    valueOf: faultOf("crash", "first crash", "backMs"),
  },
  ...["hung at initialize", "hung at list"].flatMap((name): Bar[] => [
    {
      promise: `server ${name}, first list of the others, ms`,
      bar: 1_000,
      aim: 800,
      isLowerBetter: true,
      valueOf: faultOf("hung server", name, "firstListMs"),
    },
    {
      promise: "the same, later lists, p99, ms",
      bar: 50,
      aim: 5,
      isLowerBetter: true,
      valueOf: faultOf("hung server", name, "laterP99Ms"),
    },
  ]),
  ...["hung-calls", "idle-connections", "slow-heads", "slow-bodies"].map((clients): Bar => ({
    promise: `call beside ${clients}, p99 / alone`,
    bar: 2,
    aim: 1.2,
    isLowerBetter: true,
    valueOf: sufferingFrom(clients),
  })),
];

/** What the measurements say of each promise. */
export function compareWithBars(rows: readonly Row[]): Table {
  const lines = BARS.map((bar) => {
    const modern = bar.valueOf(rows, "modern");
    const legacy = bar.valueOf(rows, "legacy");
    return [
      bar.promise,
      formatFigure(modern),
      formatFigure(legacy),
      `${bar.bar}`,
      `${bar.aim}`,
      verdict(bar, [modern, legacy]),
    ];
  });
  return { header: ["promise", "modern", "legacy", "bar", "aim", "reached"], lines };
}

function verdict({ bar, aim, isLowerBetter = false }: Bar, values: readonly number[]): string {
  const holds = (limit: number) => values.every((value) => (isLowerBetter ? value <= limit : value >= limit));
  if (values.some(Number.isNaN)) return "";
  return holds(aim) ? "aim" : holds(bar) ? "bar" : "MISSED";
}
