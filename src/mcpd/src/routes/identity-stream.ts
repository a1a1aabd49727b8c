import { Readable } from "node:stream";
import type { IdentityChanges } from "../services/identity-changes.ts";
import type { Reply, RouteRequest } from "./route.ts";

const KEEP_ALIVE_MS = 10_000;
const CHANGED = "data: {}\n\n";

/** Sends an event for every change, several of one moment as one, as long as the caller is admitted. */
export function toIdentityStream(
  changes: IdentityChanges,
  { readmit, signal }: Pick<RouteRequest, "readmit" | "signal">,
): Reply {
  const content = new Readable({ read() {} });
  let isDue = false;
  const tell = () => {
    if (isDue) return;
    isDue = true;
    setImmediate(() => {
      isDue = false;
      content.push(CHANGED);
      readmit().catch(end);
    });
  };
  const stopListening = changes.listen(tell);
  const beat = setInterval(() => {
    content.push(":\n\n");
    readmit().catch(end);
  }, KEEP_ALIVE_MS).unref();
  function end(): void {
    if (!content.readableEnded) content.push(null);
  }
  signal.addEventListener("abort", end);
  content.once("close", () => {
    clearInterval(beat);
    stopListening();
    signal.removeEventListener("abort", end);
  });
  content.push(":\n\n");
  const headers = { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" };
  return { content, headers };
}
