import { createReadStream } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import * as z from "zod";
import type { Checkpoint } from "./audit-interfaces.ts";

const hex = z.string().regex(/^(?:[0-9a-f]{2})*$/);
const line = z.object({
  seq: z.int(),
  hash: hex,
  at: z.string(),
  endsSegment: z.boolean(),
  keptFrom: z.int(),
  previous: hex,
  keyId: z.string(),
  mac: hex,
}) satisfies z.ZodType<Checkpoint>;

/** Checkpoints outside the database, one in each line: what who can write into the database cannot change. */
export interface CheckpointFile {
  append(checkpoints: readonly Checkpoint[]): Promise<void>;
  /** Every checkpoint, in the order in which they were added; what is no checkpoint is undefined. */
  read(): AsyncIterable<Checkpoint | undefined>;
}

/**
 * Opens the file, or makes it. A last line that a crash has cut off is dropped; its checkpoint is in the database.
 *
 * @throws {McpctlError} `config-invalid`
 */
export async function openCheckpointFile(path: string): Promise<CheckpointFile> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await dropTornLine(path);
  } catch (cause) {
    throw new McpctlError("config-invalid", `The file of audit checkpoints ${path} cannot be used: ${String(cause)}`, {
      hint: "Choose a file that mcpd may write with --audit-checkpoint-file",
      cause,
    });
  }
  return {
    async append(checkpoints) {
      await using file = await open(path, "a", 0o600);
      await file.appendFile(checkpoints.map((checkpoint) => `${JSON.stringify(checkpoint)}\n`).join(""));
      await file.sync();
    },
    read: () => readLines(path),
  };
}

async function* readLines(path: string): AsyncIterable<Checkpoint | undefined> {
  const input = createReadStream(path, "utf8");
  try {
    for await (const text of createInterface({ input })) if (text !== "") yield parse(text);
  } catch (thrown) {
    // Whoever took the file away took every checkpoint in it.
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT")) throw thrown;
  } finally {
    input.destroy();
  }
}

function parse(text: string): Checkpoint | undefined {
  try {
    return line.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

const CHUNK = 65_536;

async function dropTornLine(path: string): Promise<void> {
  await using file = await open(path, "a+", 0o600);
  const { size } = await file.stat();
  const start = Math.max(0, size - CHUNK);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
  const end = buffer.subarray(0, bytesRead).lastIndexOf("\n") + 1;
  if (end < bytesRead) await file.truncate(start + end);
}
