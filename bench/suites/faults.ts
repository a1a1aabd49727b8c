import { crashes } from "./fault-crash.ts";
import { hungServers } from "./fault-hung-server.ts";
import { faultyClients } from "./fault-clients.ts";
import { startStack } from "../targets/stack.ts";
import type { Suite } from "./suite.ts";

/** What servers and clients that misbehave cost those who do not. */
export const faults: Suite = {
  name: "faults",
  async run(options) {
    await using stack = await startStack();
    const parts = [crashes, hungServers, faultyClients];
    const rows = [];
    for (const measure of parts) rows.push(...(await measure(stack, options)));
    return rows;
  },
};
