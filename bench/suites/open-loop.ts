import { ERAS } from "../load/mcp-requests.ts";
import { runOpenLoop } from "../load/open-loop.ts";
import type { Row } from "../measure/rows.ts";
import { quantile } from "../measure/statistics.ts";
import { startTargets } from "../targets/all.ts";
import { interleave, type Suite } from "./suite.ts";

const CALLS_PER_SECOND = 50;
const LEAST_SECONDS = 3;

/** Latency at a rate that no target finds hard, from the time that each call was meant to be sent. */
export const openLoop: Suite = {
  name: "open-loop",
  async run({ rounds, seconds, progress }) {
    await using targets = await startTargets();
    const rows: Row[] = [];
    for (const era of ERAS) {
      progress(`open-loop: ${era}`);
      await interleave(targets.all, rounds, async (target, round) => {
        const message = { method: "tools/call", params: { name: target.toolOf(era), arguments: { message: "hello" } } };
        const latencies = await runOpenLoop({
          endpoint: target.endpointOf(era),
          message,
          callsPerSecond: CALLS_PER_SECOND,
          seconds: Math.max(seconds, LEAST_SECONDS),
        });
        const values = { p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99) };
        rows.push({ suite: "open-loop", case: `${era} ${CALLS_PER_SECOND}/s`, target: target.name, round, values });
      });
    }
    return rows;
  },
};
