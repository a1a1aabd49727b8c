import { runClosedLoop } from "../load/closed-loop.ts";
import { ERAS, type Era, type RpcMessage } from "../load/mcp-requests.ts";
import { cpuSeconds } from "../measure/process-usage.ts";
import type { Row } from "../measure/rows.ts";
import { quantile } from "../measure/statistics.ts";
import { startTargets } from "../targets/all.ts";
import type { Target } from "../targets/target.ts";
import { interleave, type Suite, type SuiteOptions } from "./suite.ts";

export interface Cell {
  name: string;
  era: Era;
  inFlight: number;
  messageOf(tool: string): RpcMessage;
}

const WORDS = "The quick brown fox jumps over the lazy dog";
const LARGE_BYTES = 100_000;
const WARM_UP_CALLS = 10_000;

/** What an agent does most, for clients of both eras. */
export function createCells(): Cell[] {
  const callWith = (args: object) => (tool: string) => ({
    method: "tools/call",
    params: { name: tool, arguments: args },
  });
  const kinds = [
    { name: "call", inFlight: [1, 16, 64], messageOf: callWith({ message: WORDS }) },
    { name: "list", inFlight: [1, 16], messageOf: () => ({ method: "tools/list" }) },
    { name: "100 KB", inFlight: [1, 16], messageOf: callWith({ bytes: LARGE_BYTES }) },
  ];
  return ERAS.flatMap((era) =>
    kinds.flatMap(({ name, inFlight, messageOf }) =>
      inFlight.map((count) => ({ name: `${era} ${name} x${count}`, era, inFlight: count, messageOf })),
    ),
  );
}

async function measureCell(target: Target, cell: Cell, seconds: number): Promise<Row["values"]> {
  const { era, inFlight, messageOf } = cell;
  const endpoint = target.endpointOf(era);
  const message = messageOf(target.toolOf(era));
  await runClosedLoop({ endpoint, message, inFlight, until: { seconds: seconds / 5 } });
  const before = cpuSeconds(target.pids);
  const { calls, seconds: took, latencies } = await runClosedLoop({ endpoint, message, inFlight, until: { seconds } });
  return {
    callsPerSecond: calls / took,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    cpuSecondsPer1000: ((cpuSeconds(target.pids) - before) / calls) * 1_000,
  };
}

/** What runs for days is measured as it then is: compiled, with its connections open. */
async function warmUp(target: Target, era: Era): Promise<void> {
  const message = { method: "tools/call", params: { name: target.toolOf(era), arguments: { message: WORDS } } };
  await runClosedLoop({ endpoint: target.endpointOf(era), message, inFlight: 16, until: { calls: WARM_UP_CALLS } });
}

/** Measures every cell through every target, the targets in alternating order. */
export async function measureCells(
  targets: readonly Target[],
  cells: readonly Cell[],
  { rounds, seconds, progress }: SuiteOptions,
): Promise<Row[]> {
  progress("hot-path: warming up");
  for (const target of targets) for (const era of ERAS) await warmUp(target, era);
  const rows: Row[] = [];
  for (const cell of cells) {
    progress(`hot-path: ${cell.name}`);
    await interleave(targets, rounds, async (target, round) => {
      const values = await measureCell(target, cell, seconds);
      rows.push({ suite: "hot-path", case: cell.name, target: target.name, round, values });
    });
  }
  return rows;
}

/** Calls, lists and large results, through everything that they can go through. */
export const hotPath: Suite = {
  name: "hot-path",
  async run(options) {
    await using targets = await startTargets();
    return await measureCells(targets.all, createCells(), options);
  },
};
