import { setTimeout as sleep } from "node:timers/promises";
import { type ApiClient, createApiClient } from "../../src/shared/src/api/client.ts";
import { type ErrorCode, McpctlError } from "../../src/shared/src/errors.ts";
import type { Resource } from "../../src/shared/src/kinds/kind.ts";
import type { Entry, Operation, Outcome } from "./ledger.ts";
import type { Random } from "./random.ts";
import { planOperation } from "./workload.ts";

/** Where mcpd is now, and as whom it is spoken to. */
export interface Session {
  url: string;
  token: string;
}

const CLIENTS = 6;
const TIMEOUT_SECONDS = 20;
const PAUSE_MS = 100;
/** With these nobody knows whether the write was stored. */
const UNANSWERED: readonly ErrorCode[] = ["unreachable", "unavailable", "database-unavailable"];

interface Writing {
  session(): Session;
  ledger: Entry[];
  random: Random;
  /** Begins the id of every write. */
  name: string;
}

/** Writes with several clients at once until it is told to stop. @returns a function that stops them. */
export function startWriting(writing: Writing): () => Promise<void> {
  const stopping = new AbortController();
  const clients = Array.from({ length: CLIENTS }, (_, index) => writeUntil(stopping.signal, writing, index));
  return async () => {
    stopping.abort();
    await Promise.all(clients);
  };
}

async function writeUntil(stop: AbortSignal, { session, ledger, random, name }: Writing, client: number) {
  const own = random.fork(`client-${client}`);
  for (let count = 0; !stop.aborted; count++) {
    const entry = await write(session(), planOperation(own, `${name}-${client}-${count}`), ledger);
    if (entry.outcome.answer === "none") await sleep(PAUSE_MS);
  }
}

/** Does one write and notes in the ledger what came of it. */
export async function write(session: Session, operation: Operation, ledger: Entry[]): Promise<Entry> {
  const entry: Entry = { ...operation, outcome: { answer: "none" } };
  ledger.push(entry);
  entry.outcome = await perform(apiOf(session, operation.id), operation).then(
    (stored): Outcome => ({ answer: "stored", ...stored }),
    toOutcome,
  );
  return entry;
}

function apiOf({ url, token }: Session, requestId: string): ApiClient {
  return createApiClient({
    baseUrl: url,
    token,
    timeoutSeconds: TIMEOUT_SECONDS,
    fetch(input, init) {
      const headers = new Headers(init?.headers);
      headers.set("x-request-id", requestId);
      return fetch(input, { ...init, headers });
    },
  });
}

async function perform(api: ApiClient, operation: Operation): Promise<{ resource: Resource; token?: string }> {
  const { verb, kind, object, manifest = { metadata: object }, fieldManager = "", isForced = false } = operation;
  switch (verb) {
    case "create":
      return { resource: await api.create(kind, manifest) };
    case "update": {
      const { resourceVersion } = isForced ? (await api.get(kind, object)).metadata : {};
      const metadata = { ...manifest.metadata, ...(resourceVersion !== undefined && { resourceVersion }) };
      return { resource: await api.update(kind, { ...manifest, metadata }) };
    }
    case "apply":
      return { resource: (await api.apply(kind, manifest, { fieldManager, force: isForced })).resource };
    case "delete":
      return { resource: await api.delete(kind, object) };
    case "mint":
      return api.createMcpToken(manifest);
    case "revoke":
      return { resource: await api.revokeMcpToken(object) };
  }
}

function toOutcome(thrown: unknown): Outcome {
  if (!(thrown instanceof McpctlError)) throw thrown;
  return UNANSWERED.includes(thrown.code) ? { answer: "none" } : { answer: "refused", code: thrown.code };
}
