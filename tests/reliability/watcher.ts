import { setTimeout as sleep } from "node:timers/promises";
import type { LoggedChange } from "./ledger.ts";
import type { Session } from "./writer.ts";

const PAUSE_MS = 50;

interface Watched {
  plural: string;
  form: Form;
  session(): Session;
}

/** The two ways in which a watch is told. */
type Form = "sse" | "ndjson";

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
export function watchKind({ plural, form, session }: Watched): Watcher {
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
    const accept = form === "sse" ? "text/event-stream" : "application/x-ndjson";
    const response = await fetch(`${url}/api/v1/${plural}?watch=true&resourceVersion=${since}`, {
      headers: { accept, authorization: `Bearer ${token}` },
      signal: closing.signal,
    });
    if (!response.ok || !response.body) throw new Error(`A watch of ${plural} was answered with ${response.status}`);
    begun++;
    for await (const { version, type, object } of readEvents(response.body, form)) {
      if (type === "ERROR") throw new Error(JSON.stringify(object));
      since = version;
      if (type !== "BOOKMARK") seen.push({ version, plural, type, object });
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

interface WatchEvent extends Pick<LoggedChange, "version" | "object"> {
  type: LoggedChange["type"] | "BOOKMARK" | "ERROR";
}

async function* readEvents(body: ReadableStream<Uint8Array>, form: Form): AsyncGenerator<WatchEvent> {
  const [end, parse] = form === "sse" ? ["\n\n", parseSse] : ["\n", parseLine];
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const pieces = (rest + decoder.decode(chunk, { stream: true })).split(end);
    rest = pieces.pop() ?? "";
    for (const piece of pieces) {
      const event = parse(piece);
      if (event) yield event;
    }
  }
}

/** An event of SSE says its version beside the object; that a watch has begun is said in a comment. */
function parseSse(block: string): WatchEvent | undefined {
  const [, id] = /^id: (\d+)$/m.exec(block) ?? [];
  const [, data] = /^data: (.*)$/m.exec(block) ?? [];
  return data === undefined ? undefined : { ...(JSON.parse(data) as WatchEvent), version: Number(id) };
}

/** A line has the version in the object; that a watch has begun is said with an empty line. */
function parseLine(line: string): WatchEvent | undefined {
  if (line === "") return undefined;
  const event = JSON.parse(line) as WatchEvent;
  return { ...event, version: Number(event.object.metadata?.resourceVersion) };
}
