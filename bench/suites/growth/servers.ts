import { pathOf, startListening } from "../../targets/program.ts";
import { type ServerManifest, type Stack, startStack } from "../../targets/stack.ts";
import { defineDimension, type Point } from "./dimension.ts";
import { measureFreshGateway, untilComplete } from "./gateway-figures.ts";

const SIZES = [1, 3, 10, 30, 100];
/** Each is a process of its own: a machine has room for fewer of them. */
const STDIO_SIZES = SIZES.filter((size) => size <= 30);
/** So few that the length of the list says little. */
const TOOLS = "5";

/** A project of so many servers; calls go to all of them in turn. */
export const growthServers = defineDimension({
  name: "servers",
  async start(cleanup, progress) {
    const raw = cleanup.use(await startListening("raw-server.ts", [TOOLS]));
    const stack = cleanup.use(await startStack());
    const remote = Math.max(...SIZES);
    const http = Array.from({ length: remote }, (_, at) => ({
      name: `remote-${at + 1}`,
      spec: { url: `http://127.0.0.1:${raw.port}/modern` },
    }));
    const stdio = Array.from({ length: Math.max(...STDIO_SIZES) }, (_, at) => ({
      name: `process-${at + 1}`,
      spec: { command: process.execPath, args: [pathOf("stdio-server.ts"), TOOLS, "modern"] },
    }));
    progress("starts servers");
    return [
      ...(await pointsOf(stack, "gateway", { sizes: SIZES, servers: http })),
      ...(await pointsOf(stack, "gateway-stdio", { sizes: STDIO_SIZES, servers: stdio })),
    ];
  },
});

interface Series {
  sizes: readonly number[];
  servers: readonly ServerManifest[];
}

async function pointsOf(stack: Stack, target: string, { sizes, servers }: Series): Promise<Point[]> {
  const points: Point[] = [];
  for (const size of sizes) {
    const members = servers.slice(0, size);
    const token = await stack.declare(`${target}-${size}`, members);
    await untilComplete(stack, token);
    const tools = members.map(({ name }) => `${name}__echo`);
    points.push({ size, target, measure: (seconds) => measureFreshGateway(stack, token, tools, seconds) });
  }
  return points;
}
