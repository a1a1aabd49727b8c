import { runClosedLoop } from "../../load/closed-loop.ts";
import { cpuSeconds, residentBytes } from "../../measure/process-usage.ts";
import { quantile } from "../../measure/statistics.ts";
import { startTargets } from "../../targets/all.ts";
import type { Target } from "../../targets/target.ts";
import { defineDimension } from "./dimension.ts";

const SIZES = [1_000, 10_000, 100_000, 1_000_000, 4_000_000];
const MB = 1_000_000;

/** A call whose result has so many bytes, through everything that it can go through. */
export const growthResultSize = defineDimension({
  name: "result-size",
  async start(cleanup) {
    const { all } = cleanup.use(await startTargets());
    return SIZES.flatMap((size) =>
      all.map((target) => ({
        size,
        target: target.name,
        measure: (seconds: number) => measure(target, size, seconds),
      })),
    );
  },
});

async function measure(target: Target, bytes: number, seconds: number) {
  const endpoint = target.endpointOf("modern");
  const message = { method: "tools/call", params: { name: target.toolOf("modern"), arguments: { bytes } } };
  const load = (share: number) =>
    runClosedLoop({ endpoint, message, inFlight: 1, until: { seconds: seconds * share } });
  await load(0.2);
  const before = cpuSeconds(target.pids);
  const { calls, latencies } = await load(1);
  return {
    callP50Ms: quantile(latencies, 0.5),
    cpuPer1000: ((cpuSeconds(target.pids) - before) / calls) * 1_000,
    rssMb: target.pids.map(residentBytes).reduce((sum, held) => sum + held, 0) / MB,
  };
}
