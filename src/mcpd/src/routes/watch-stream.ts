import { Readable } from "node:stream";
import { toProblem } from "@mcpctl/shared/problem.ts";
import type { Change } from "../services/watch.service.ts";
import type { Reply } from "./route.ts";

const BOOKMARK_MS = 30_000;

interface WatchStreamOptions {
  isSse: boolean;
  /** The version that the watch begins at. */
  start: string;
  isWanted(change: Change): Promise<boolean>;
  /** @throws {McpctlError} when the caller may no longer watch. */
  checkCaller(): Promise<void>;
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
  { isSse, start, isWanted, checkCaller }: WatchStreamOptions,
): AsyncGenerator<string> {
  let version = start;
  let pending = changes.next();
  try {
    // Sent at once, so that the client sees that the watch has begun.
    yield isSse ? ": watching\n\n" : "\n";
    while (true) {
      const step = await within(BOOKMARK_MS, pending);
      if (step?.done) return;
      if (step) {
        const { type, resourceVersion } = step.value;
        version = resourceVersion;
        if (await isWanted(step.value)) yield format({ type, object: toldObject(step.value) }, isSse, version);
        pending = changes.next();
      } else {
        await checkCaller();
        yield format({ type: "BOOKMARK", object: { metadata: { resourceVersion: version } } }, isSse, version);
      }
    }
  } catch (error) {
    yield format({ type: "ERROR", object: toProblem(error, "watch") }, isSse);
  } finally {
    await changes.return(undefined);
  }
}

/** What was deleted had its last version before; a client that resumed behind that would hear old changes again. */
function toldObject({ type, object, resourceVersion }: Change): Change["object"] {
  return type === "DELETED" ? { ...object, metadata: { ...object.metadata, resourceVersion } } : object;
}

function format(event: { type: string; object: unknown }, isSse: boolean, version?: string): string {
  const line = JSON.stringify(event);
  if (!isSse) return `${line}\n`;
  return `${version === undefined ? "" : `id: ${version}\n`}data: ${line}\n\n`;
}

/** @returns undefined when the promise takes longer; it is not cancelled. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms).unref();
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
