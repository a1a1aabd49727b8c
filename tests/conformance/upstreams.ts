import { join } from "node:path";
import { start } from "../support/programs.ts";

export const UPSTREAMS = ["modern", "legacy"] as const;
/** The era of the server that is tested, or that the gateway stands in front of. */
export type UpstreamEra = (typeof UPSTREAMS)[number];

export interface UpstreamFixture extends AsyncDisposable {
  /** Its MCP endpoint. */
  url: string;
}

/** Starts the fixture that offers everything the suite asks for. */
export async function startUpstream(era: UpstreamEra): Promise<UpstreamFixture> {
  const program = start(join(import.meta.dirname, "fixtures", `${era}-server.ts`), []);
  const url = await program.line(() => true);
  return { url, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}
