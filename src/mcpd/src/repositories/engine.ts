import type { Kysely } from "kysely";
import type { Database } from "./interfaces.ts";
import type { Tables } from "./tables.ts";

/** Where writers announce that the change log has grown; the database tells the listeners after the commit. */
export const COMMIT_CHANNEL = "mcpd_commits";

/** One of the two databases, as far as they differ. Its errors are already McpctlErrors where a caller can react. */
export interface Engine {
  name: Database["engine"];
  reads: Kysely<Tables>;
  /** Apart from `reads` where there is more than one connection: waiting writers must not keep readers out. */
  writes: Kysely<Tables>;
  onCommit: Database["onCommit"];
  close(): Promise<void>;
}
