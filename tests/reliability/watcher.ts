import { setTimeout as sleep } from "node:timers/promises";
import type { LoggedChange } from "./ledger.ts";
import type { Session } from "./writer.ts";

const PAUSE_MS = 50;

/** Follows one kind through every kill: each time it goes on behind the last version that it saw. */
export interface Watcher extends AsyncDisposable {
  plural: string;
  /** In the order in which they came; grows. */
  seen: LoggedChange[];
  /** How often it has been answered: once at the beginning, and once after each break. */
  begun(): number;
  /** Why it broke off last. */
  lastFault(): string;
}

/** Begins before the first change there is. */
export function watchKind(plural: string, session: () => Session): Watcher {
  const closing = new AbortController();
  const seen: LoggedChange[] = [];
  let begun = 0;
  let since = 0;
  let lastFault = "none";

  async function follow(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await readOnce();
      } catch (thrown) {
        lastFault = String(thrown);
      }
      await sleep(PAUSE_MS, undefined, { signal: closing.signal }).catch(() => undefined);
    }
  }

  async function readOnce(): Promise<void> {
    const { url, token } = session();
    const response = await fetch(`${url}/api/v1/${plural}?watch=true&resourceVersion=${since}`, {
      headers: { accept: "text/event-stream", authorization: `Bearer ${token}` },
      signal: closing.signal,
    });
    if (!response.ok || !response.body) throw new Error(`A watch of ${plural} was answered with ${response.status}`);
    begun++;
    for await (const { id, data } of parseEvents(response.body)) {
      if (id === undefined) throw new Error(JSON.stringify(data.object));
      since = id;
      if (data.type !== "BOOKMARK") seen.push({ version: id, plural, type: data.type, object: data.object });
    }
  }

  const following = follow();
  return {
    plural,
    seen,
    begun: () => begun,
    lastFault: () => lastFault,
    async [Symbol.asyncDispose]() {
      closing.abort();
      await following;
    },
  };
}

interface WatchEvent {
  /** Absent for the event that tells why the watch ends. */
  id: number | undefined;
  data: { type: LoggedChange["type"] | "BOOKMARK"; object: LoggedChange["object"] };
}

async function* parseEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<WatchEvent> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    const blocks = (text + decoder.decode(chunk, { stream: true })).split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const [, id] = /^id: (\d+)$/m.exec(block) ?? [];
      const [, data] = /^data: (.*)$/m.exec(block) ?? [];
      if (data === undefined) continue;
      yield { id: id === undefined ? undefined : Number(id), data: JSON.parse(data) as WatchEvent["data"] };
    }
  }
}
