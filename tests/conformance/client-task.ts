import { z } from "zod";

/** What the suite tells a client, as `client-adapter.mjs` hands it on. */
export const clientTask = z.object({
  scenario: z.string(),
  revision: z.string(),
  serverUrl: z.url(),
  /** The tools that the scenario wants to be called; absent where it does not care. */
  toolCalls: z.array(z.object({ name: z.string(), arguments: z.record(z.string(), z.unknown()) })).optional(),
});
export type ClientTask = z.infer<typeof clientTask>;
