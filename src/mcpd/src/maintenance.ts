import type { Logger } from "@mcpctl/shared/log.ts";
import type { Database } from "./repositories/interfaces.ts";
import type { EventRecorder } from "./services/event.service.ts";

interface MaintenanceDeps {
  database: Pick<Database, "transact">;
  events: EventRecorder;
  changesKept: number;
  log: Logger;
}

const EVERY_MS = 10 * 60_000;

/** Forgets what has had its time: old changes, ended sessions, old events. @returns a function that ends it. */
export function startMaintenance({ database, events, changesKept, log }: MaintenanceDeps): () => void {
  async function run(): Promise<void> {
    try {
      await database.transact(({ changes }) => changes.prune(changesKept));
      await database.transact(({ sessions }) => sessions.deleteExpired());
      await events.prune();
    } catch (err) {
      log.warn({ err }, "maintenance failed; it will be tried again");
    }
  }
  const timer = setInterval(() => void run(), EVERY_MS).unref();
  return () => clearInterval(timer);
}
