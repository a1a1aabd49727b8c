import { existsSync, renameSync, rmSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { PGlite } from "@electric-sql/pglite";
import { COMMIT_CHANNEL } from "./engine.ts";
import type { PgliteAnswer, PgliteRefusal, PgliteReply, PgliteRequest, PgliteWorkerData } from "./pglite-messages.ts";
import { unpackCluster } from "./prepared-cluster.ts";

// Entry of the thread that runs the embedded database, so that a long query does not stop the main thread.

const INT8 = 20;
/** The engine clears them at every start, and 128 MB of it took a third of the start and stayed in memory. */
const SHARED_BUFFERS = "16MB";

/**
 * V8 keeps the code that it makes at once. Optimising the function that runs plans takes 600 MB and seconds of a core,
 * at some moment after the start, and nothing that mcpd asks of the database gets faster by it.
 */
const NEVER_OPTIMISE = "--no-wasm-tier-up --no-wasm-dynamic-tiering";

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- pglite-client.ts starts this thread with nothing else
if (parentPort) await serve(parentPort, workerData as PgliteWorkerData);

async function serve(port: MessagePort, data: PgliteWorkerData): Promise<void> {
  const send = (reply: PgliteReply) => port.postMessage(reply);
  if (data.compileCacheDir !== undefined) enableCompileCache(data.compileCacheDir);
  const pglite = await open(data, send).catch((thrown: unknown) => send({ cannotOpen: String(thrown) }));
  if (!pglite) return;
  await pglite.listen(COMMIT_CHANNEL, () => send({ committed: true }));
  port.on("message", (request: PgliteRequest) => void answer(pglite, request).then(send));
  send({ ready: true });
}

type Send = (reply: PgliteReply) => void;

async function open({ dataDir, preparedClusters }: PgliteWorkerData, send: Send): Promise<PGlite> {
  if (dataDir === undefined) return start(undefined);
  const files = join(dataDir, "postgresql");
  if (!existsSync(files)) await prepare(files, preparedClusters, send);
  return start(files);
}

/** A first start that was interrupted leaves only a draft, which the next one throws away. */
async function prepare(files: string, preparedClusters: readonly string[], send: Send): Promise<void> {
  const draft = `${files}.new`;
  rmSync(draft, { recursive: true, force: true });
  if (!preparedClusters.some((prepared) => unpackCluster(prepared, draft))) {
    send({ initializing: true });
    const pglite = await start(draft);
    await pglite.close();
  }
  renameSync(draft, files);
}

async function start(files: string | undefined): Promise<PGlite> {
  setFlagsFromString(NEVER_OPTIMISE);
  // Not at the top: by now there is a cache for what it compiles to.
  const { PGlite } = await import("@electric-sql/pglite");
  return PGlite.create({
    ...(files !== undefined && { dataDir: files }),
    startParams: [...PGlite.defaultStartParams, "-c", `shared_buffers=${SHARED_BUFFERS}`],
    parsers: { [INT8]: (digits) => digits },
  });
}

async function answer(pglite: PGlite, request: PgliteRequest): Promise<PgliteReply> {
  const { id } = request;
  try {
    return { id, answer: await run(pglite, request) };
  } catch (thrown) {
    return { id, refusal: toRefusal(thrown) };
  }
}

async function run(pglite: PGlite, request: PgliteRequest): Promise<PgliteAnswer> {
  if ("close" in request) {
    await pglite.close();
    return { rows: [], affectedRows: undefined, command: undefined };
  }
  const { rows, affectedRows, command } = await pglite.query(request.sql, [...request.parameters]);
  return { rows, affectedRows, command };
}

/**
 * @throws when the engine itself broke down, such as on a full disk. It may still announce that as an answer, but would
 * never give another one; so the thread ends instead.
 */
function toRefusal(thrown: unknown): PgliteRefusal {
  const { name, message, severity, code, constraint } = toDatabaseError(thrown);
  const isBreakdown = name === "RuntimeError" || name === "ExitStatus" || severity === "PANIC" || severity === "FATAL";
  // Not the error as it came: it quotes the statement with its values.
  if (isBreakdown) throw new Error(message);
  return { message, sqlState: code, constraint };
}

interface DatabaseError extends Error {
  severity?: string;
  code?: string;
  constraint?: string;
}

function toDatabaseError(thrown: unknown): DatabaseError {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
