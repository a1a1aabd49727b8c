import { createHash, randomBytes } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { McpctlError } from "@mcpctl/shared/errors.ts";

const KEY_BYTES = 32;
const FILE = "secrets-key";

interface Key {
  /** Tells keys apart without saying anything about them. */
  id: string;
  key: Uint8Array;
}

/** The keys that secrets are encrypted with. */
export interface KeyRing {
  /** The one that encrypts. @throws {McpctlError} `secrets-key-unusable` when there is none at all. */
  first(): Key;
  /** @throws {McpctlError} `secrets-key-unusable` when there is no such key. */
  get(id: string): Uint8Array;
}

export interface KeyRingOptions {
  /** What the settings say: keys, separated by spaces, lines or commas. */
  configured: string | undefined;
  /** Where a key is kept that was made here. */
  dataDir: string;
  /** Whether one may be made there: beside an embedded database, but not apart from the data that it is for. */
  canMake: boolean;
  /** Ids of the keys that stored secrets need. */
  neededIds: readonly string[];
}

/**
 * Finds the keys, and makes one for a new data directory.
 *
 * @throws {McpctlError} `secrets-key-unusable` when a key is weak, or one is missing that stored secrets need.
 */
export async function openKeyRing(options: KeyRingOptions): Promise<KeyRing> {
  const { configured, dataDir, canMake, neededIds } = options;
  const path = join(dataDir, FILE);
  const text = configured ?? (await readIfThere(path));
  const isNew = text === undefined && canMake && neededIds.length === 0;
  const keys = parseKeys(isNew ? await makeKey(path) : (text ?? ""), configured === undefined ? path : "the settings");
  const missing = neededIds.filter((id) => !keys.some((key) => key.id === id));
  if (missing.length > 0) throw missingKeys(missing, keys);
  return createKeyRing(keys);
}

function createKeyRing(keys: readonly Key[]): KeyRing {
  return {
    first() {
      const [key] = keys;
      if (key) return key;
      throw new McpctlError("secrets-key-unusable", "mcpd has no key to encrypt secrets with", {
        hint: "Make one with: openssl rand -base64 32, and start mcpd with --secrets-key-file FILE",
      });
    },
    get(id) {
      const found = keys.find((key) => key.id === id);
      if (found) return found.key;
      throw missingKeys([id], keys);
    },
  };
}

/** @throws {McpctlError} `secrets-key-unusable` when one is not 32 bytes; the message does not repeat it. */
function parseKeys(text: string, where: string): Key[] {
  const words = text.split(/[\s,]+/).filter((word) => word !== "");
  return words.map((word, at) => {
    const key = /^[0-9a-fA-F]{64}$/.test(word) ? Buffer.from(word, "hex") : fromBase64(word);
    if (key?.length === KEY_BYTES && new Set(key).size > 8) return { id: idOf(key), key };
    throw new McpctlError(
      "secrets-key-unusable",
      `Key ${at + 1} of ${where} is not ${KEY_BYTES} random bytes in base64 or hex`,
      { hint: "Make one with: openssl rand -base64 32" },
    );
  });
}

function fromBase64(word: string): Buffer | undefined {
  const isBase64 = /^[A-Za-z0-9+/_-]+={0,2}$/.test(word);
  return isBase64 ? Buffer.from(word, "base64") : undefined;
}

function idOf(key: Uint8Array): string {
  return createHash("sha256").update("mcpctl secrets key\0").update(key).digest("hex").slice(0, 16);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new McpctlError("secrets-key-unusable", `The key of secrets cannot be read: ${path}`, { cause });
  }
}

/** On the disk before it is used: what is encrypted with a lost key is lost. */
async function makeKey(path: string): Promise<string> {
  const text = `${randomBytes(KEY_BYTES).toString("base64")}\n`;
  const draft = `${path}.new`;
  await rm(draft, { force: true });
  await using file = await open(draft, "wx", 0o600);
  await file.writeFile(text);
  await file.sync();
  await rename(draft, path);
  await syncDirectory(dirname(path));
  return text;
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path);
  await directory.sync();
}

function missingKeys(ids: readonly string[], keys: readonly Key[]): McpctlError {
  const having =
    keys.length === 0 ? "there is no key" : `the keys that there are: ${keys.map(({ id }) => id).join(", ")}`;
  return new McpctlError(
    "secrets-key-unusable",
    `Stored secrets are encrypted with a key that mcpd does not have: ${ids.join(", ")}; ${having}`,
    { hint: `Start mcpd with the file that holds it: --secrets-key-file FILE, or put it into DATA_DIR/${FILE}` },
  );
}
