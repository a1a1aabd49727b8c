import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import * as z from "zod";
import { findLiveness, ownIdentity, type ProcessIdentity } from "./process-identity.ts";

const SUFFIX = ".lock";
const MAX_ATTEMPTS = 3;
const HEARTBEAT_MS = 1_000;
/** How long a lock of another container may stand still before its holder counts as dead. */
const SILENCE_MS = 5_000;

const identitySchema = z.object({
  pid: z.int().positive(),
  startTime: z.string(),
  bootId: z.string(),
  pidNamespace: z.string(),
}) satisfies z.ZodType<ProcessIdentity>;

interface DataDirLock {
  release(): void;
}

/**
 * Makes a data directory and keeps a second process out of it. Each contender first writes a lock file of its own and then looks for
 * the others', so that of two at least one sees the other and gives way. A dead process's file is removed; as no two
 * files ever share a name, nobody can remove a living one by mistake.
 *
 * @throws {McpctlError} `data-dir-locked` with the pid of the holder.
 */
export async function lockDataDir(dataDir: string): Promise<DataDirLock> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  for (let attempt = 1; ; attempt++) {
    const own = writeLockFile(dataDir);
    const holder = await findHolder(dataDir, own);
    if (!holder) return holdLock(join(dataDir, own));
    rmSync(join(dataDir, own));
    if (attempt === MAX_ATTEMPTS) throw locked(dataDir, holder);
    // Of two that start together both may give way; the pause decides who is first next time.
    await sleep(20 + Math.random() * 80);
  }
}

/** The file appears under its name only when it is complete. */
function writeLockFile(dataDir: string): string {
  const name = `mcpd-${process.pid}-${randomBytes(4).toString("hex")}${SUFFIX}`;
  const draft = join(dataDir, `${name}.new`);
  writeFileSync(draft, `${JSON.stringify(ownIdentity())}\n`, { flag: "wx", mode: 0o600 });
  renameSync(draft, join(dataDir, name));
  return name;
}

interface Holder {
  file: string;
  pid: number;
}

async function findHolder(dataDir: string, own: string): Promise<Holder | undefined> {
  for (const name of readdirSync(dataDir)) {
    if (!name.endsWith(SUFFIX) || name === own) continue;
    const file = join(dataDir, name);
    const identity = readIdentity(file);
    if (identity && (await isAlive(identity, file))) return { file, pid: identity.pid };
    rmSync(file, { force: true });
  }
  return undefined;
}

/** @returns undefined when the file is gone, or when it is no lock. */
function readIdentity(file: string): ProcessIdentity | undefined {
  try {
    return identitySchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return undefined;
  }
}

async function isAlive(identity: ProcessIdentity, file: string): Promise<boolean> {
  const liveness = findLiveness(identity);
  return liveness === "unknown" ? hasHeartbeat(file) : liveness === "alive";
}

/** Compares the file's time with itself, since the clocks of two containers need not agree. */
async function hasHeartbeat(file: string): Promise<boolean> {
  const lastBeat = () => statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  const before = lastBeat();
  for (let waitedMs = 0; waitedMs < SILENCE_MS; waitedMs += HEARTBEAT_MS / 4) {
    await sleep(HEARTBEAT_MS / 4);
    if (lastBeat() !== before) return lastBeat() !== undefined;
  }
  return false;
}

function holdLock(file: string): DataDirLock {
  const heartbeat = setInterval(() => beat(file), HEARTBEAT_MS);
  heartbeat.unref();
  return {
    release() {
      clearInterval(heartbeat);
      rmSync(file, { force: true });
    },
  };
}

function beat(file: string): void {
  const now = new Date();
  try {
    utimesSync(file, now, now);
  } catch {
    // A full or vanished disk shows at the next write to the database, with a better message.
  }
}

function locked(dataDir: string, { file, pid }: Holder): McpctlError {
  return new McpctlError("data-dir-locked", `The data directory ${dataDir} is in use by process ${pid}`, {
    hint: `Stop it, or choose another data directory. If no such process runs, delete ${file}`,
  });
}
