import { Readable } from "node:stream";
import { toProblem } from "@mcpctl/shared/problem.ts";
import type { Change } from "../services/watch.service.ts";
import type { Reply } from "./route.ts";

const BOOKMARK_MS = 30_000;

interface WatchStreamOptions {
  isSse: boolean;
  isWanted(change: Change): Promise<boolean>;
}

/**
 * Sends changes as they come: a line of JSON each, or an SSE event whose id is the version. A bookmark now and then
 * tells how far the watch has come, so that a client may resume from there after a silence.
 */
export function toWatchStream(changes: AsyncGenerator<Change>, options: WatchStreamOptions): Reply {
  const content = Readable.from(lines(changes, options), { objectMode: false });
  const type = options.isSse ? "text/event-stream" : "application/x-ndjson";
  return { content, headers: { "content-type": type, "cache-control": "no-store", "x-accel-buffering": "no" } };
}

async function* lines(
  changes: AsyncGenerator<Change>,
  { isSse, isWanted }: WatchStreamOptions,
): AsyncGenerator<string> {
  let version: string | undefined;
  let pending = changes.next();
  try {
    // Sent at once, so that the client sees that the watch has begun.
    yield isSse ? ": watching\n\n" : "\n";
    while (true) {
      const step = await Promise.race([pending, sleep(BOOKMARK_MS)]);
      if (step?.done) return;
      if (step) {
        const { type, object, resourceVersion } = step.value;
        version = resourceVersion;
        if (await isWanted(step.value)) yield format({ type, object }, isSse, version);
        pending = changes.next();
      } else if (version !== undefined) {
        yield format({ type: "BOOKMARK", object: { metadata: { resourceVersion: version } } }, isSse, version);
      }
    }
  } catch (error) {
    yield format({ type: "ERROR", object: toProblem(error, "watch") }, isSse);
  } finally {
    await changes.return(undefined);
  }
}

function format(event: { type: string; object: unknown }, isSse: boolean, version?: string): string {
  const line = JSON.stringify(event);
  if (!isSse) return `${line}\n`;
  return `${version === undefined ? "" : `id: ${version}\n`}data: ${line}\n\n`;
}

function sleep(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), ms).unref());
}
