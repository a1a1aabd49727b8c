import { runClosedLoop } from "../../load/closed-loop.ts";
import { quantile } from "../../measure/statistics.ts";
import { startListening } from "../../targets/program.ts";
import { startStack } from "../../targets/stack.ts";
import { defineDimension, type Point } from "./dimension.ts";
import { LIST, measureFreshGateway } from "./gateway-figures.ts";

const SIZES = [50, 200, 1_000, 5_000, 10_000];
/** More than this the gateway does not take from one server. */
const MOST_PER_SERVER = 5_000;

/** A project of so many tools, on as few servers as may offer them; one of the tools is called. */
export const growthTools = defineDimension({
  name: "tools",
  async start(cleanup) {
    const stack = cleanup.use(await startStack());
    const points: Point[] = [];
    for (const size of SIZES) {
      const count = Math.ceil(size / MOST_PER_SERVER);
      const servers = [];
      for (let at = 1; at <= count; at += 1) {
        const { port } = cleanup.use(await startListening("raw-server.ts", [String(size / count)]));
        servers.push({ name: `tools-${size}-${at}`, spec: { url: `http://127.0.0.1:${port}/modern` } });
      }
      const token = await stack.declare(`tools-${size}`, servers);
      const tools = [`tools-${size}-1__echo`];
      const measure = (seconds: number) => measureFreshGateway(stack, token, tools, seconds);
      points.push({ size, target: "gateway", measure });
      const direct = cleanup.use(await startListening("raw-server.ts", [String(size)]));
      points.push({ size, target: "direct", measure: (seconds) => measureDirect(direct.port, seconds) });
    }
    return points;
  },
});

/** What it takes to send and to receive as long a list. */
async function measureDirect(port: number, seconds: number) {
  const endpoint = { port, path: "/modern", era: "modern", bearer: undefined } as const;
  const load = (share: number) =>
    runClosedLoop({ endpoint, message: LIST, inFlight: 1, until: { seconds: seconds * share } });
  await load(0.2);
  const { latencies } = await load(1);
  return { listP50Ms: quantile(latencies, 0.5) };
}
