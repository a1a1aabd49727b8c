import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { COMMIT_CHANNEL, type Engine } from "./engine.ts";
import { createListeners } from "./listeners.ts";

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
/** Catches what a broken connection or a pooler in between has swallowed. */
const TICK_MS = 3_000;

interface CommitListener {
  onCommit: Engine["onCommit"];
  close(): Promise<void>;
}

/**
 * Listens for commits on a connection of its own, which it renews when it breaks. It opens with the first listener.
 * After each connecting it calls back once, since notifications may have been missed, and every few seconds anyway.
 */
export function createCommitListener(createClient: () => Client): CommitListener {
  const { add, announce } = createListeners();
  const closing = new AbortController();
  let listening: Promise<void> | undefined;

  return {
    onCommit(listener) {
      listening ??= keepListening({ createClient, announce, signal: closing.signal });
      return add(listener);
    },
    async close() {
      closing.abort();
      await listening;
    },
  };
}

interface Listening {
  createClient(): Client;
  announce(): void;
  signal: AbortSignal;
}

async function keepListening({ createClient, announce, signal }: Listening): Promise<void> {
  const tick = setInterval(announce, TICK_MS);
  tick.unref();
  let retryMs = FIRST_RETRY_MS;
  while (!signal.aborted) {
    const wasConnected = await listenOnce({ client: createClient(), announce, signal });
    retryMs = wasConnected ? FIRST_RETRY_MS : Math.min(retryMs * 2, LAST_RETRY_MS);
    // Replicas that lost the same server must not all come back in the same moment.
    await sleep(retryMs * (0.5 + Math.random() / 2), undefined, { signal, ref: false }).catch(() => undefined);
  }
  clearInterval(tick);
}

/** @returns when the connection is gone, whether it had ever stood. */
async function listenOnce(listening: Omit<Listening, "createClient"> & { client: Client }): Promise<boolean> {
  const { client, announce, signal } = listening;
  const ended = new Promise<void>((resolve) => client.once("end", resolve));
  const end = () => void client.end().catch(() => undefined);
  client.on("error", end);
  client.on("notification", announce);
  signal.addEventListener("abort", end);
  try {
    await client.connect();
    await client.query(`listen ${COMMIT_CHANNEL}`);
    announce();
    await ended;
    return true;
  } catch {
    end();
    return false;
  } finally {
    signal.removeEventListener("abort", end);
  }
}
