import { createHash, createHmac, randomBytes } from "node:crypto";
import { mkdir, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { timingSafeEqualHex } from "@mcpctl/shared/tokens/index.ts";
import type { Checkpoint, CheckpointContent } from "./audit-interfaces.ts";

const KEY_BYTES = 32;
const KEY = /^[0-9a-f]{64}$/;

export interface AuditKeys {
  sign(content: CheckpointContent): Checkpoint;
  check(checkpoint: Checkpoint): "valid" | "forged" | "unknown-key";
}

/**
 * Reads the keys of the audit trail: one in each line, 64 hex digits. The first one signs, all of them check, so that a
 * new key is put in front of the old ones. A file that does not exist is made, for its owner alone.
 *
 * @throws {McpctlError} `config-invalid`
 */
export async function openAuditKeys(path: string): Promise<AuditKeys> {
  const text = await readFile(path, "utf8").catch((thrown: unknown) => {
    if (isMissing(thrown)) return create(path);
    throw unusable(path, `it cannot be read: ${String(thrown)}`, thrown);
  });
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const keys = lines.map((line) => line.trim());
  if (keys.length === 0 || !keys.every((key) => KEY.test(key))) {
    throw unusable(path, "every line must be 64 hex digits");
  }
  return createAuditKeys(keys);
}

/** @param keys - hex, at least one; the first signs. */
export function createAuditKeys(keys: readonly string[]): AuditKeys {
  const byId = new Map(keys.map((key) => [idOf(key), key]));
  const [first = ""] = keys;
  return {
    sign: (content) => ({ ...content, keyId: idOf(first), mac: macOf(first, content) }),
    check(checkpoint) {
      const key = byId.get(checkpoint.keyId);
      if (key === undefined) return "unknown-key";
      return timingSafeEqualHex(macOf(key, checkpoint), checkpoint.mac) ? "valid" : "forged";
    },
  };
}

function macOf(key: string, { seq, hash, at, endsSegment, keptFrom, previous }: CheckpointContent): string {
  const content = JSON.stringify({ at, endsSegment, hash, keptFrom, previous, seq });
  return createHmac("sha256", Buffer.from(key, "hex")).update(`mcpctl audit checkpoint\n${content}`).digest("hex");
}

function idOf(key: string): string {
  return createHash("sha256").update(`mcpctl audit key\n${key}`).digest("hex").slice(0, 16);
}

async function create(path: string): Promise<string> {
  const text = `${randomBytes(KEY_BYTES).toString("hex")}\n`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await using file = await open(path, "wx", 0o600);
    await file.writeFile(text);
    await file.sync();
    return text;
  } catch (thrown) {
    throw unusable(path, `it cannot be made: ${String(thrown)}`, thrown);
  }
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
}

function unusable(path: string, why: string, cause?: unknown): McpctlError {
  return new McpctlError("config-invalid", `The audit key file ${path} cannot be used: ${why}`, {
    hint: "Name another one with --audit-key-file; a file that does not exist is made",
    cause,
  });
}
