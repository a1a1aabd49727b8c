import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import * as z from "zod";

const sessionSchema = z.object({
  token: z.string().min(1),
  user: z.string().optional(),
  expiresAt: z.string().optional(),
});
export type StoredSession = z.output<typeof sessionSchema>;

const fileSchema = z.object({
  version: z.literal(1),
  /** Address of the last login. */
  current: z.string().optional(),
  sessions: z.record(z.string(), sessionSchema),
});
type CredentialsFile = z.output<typeof fileSchema>;

const NOTHING: CredentialsFile = { version: 1, sessions: {} };

/** The sessions of this user, by server. Their file is readable by its owner only, and replaced as a whole. */
export interface Credentials {
  findCurrentServer(): Promise<string | undefined>;
  find(serverUrl: string): Promise<StoredSession | undefined>;
  /** Stores a session and makes its server the current one. */
  save(serverUrl: string, session: StoredSession): Promise<void>;
  /** @returns whether there was one. The current server stays. */
  remove(serverUrl: string): Promise<boolean>;
}

export function createCredentials(directory: string): Credentials {
  const path = join(directory, "credentials.json");
  return {
    async findCurrentServer() {
      return (await readCredentials(path)).current;
    },
    async find(serverUrl) {
      const { sessions } = await readCredentials(path);
      return Object.hasOwn(sessions, serverUrl) ? sessions[serverUrl] : undefined;
    },
    async save(serverUrl, session) {
      const { sessions } = await readCredentials(path);
      await writeCredentials(directory, path, {
        version: 1,
        current: serverUrl,
        sessions: { ...sessions, [serverUrl]: session },
      });
    },
    async remove(serverUrl) {
      const file = await readCredentials(path);
      if (!Object.hasOwn(file.sessions, serverUrl)) return false;
      const sessions = Object.fromEntries(Object.entries(file.sessions).filter(([url]) => url !== serverUrl));
      await writeCredentials(directory, path, { ...file, sessions });
      return true;
    },
  };
}

async function readCredentials(path: string): Promise<CredentialsFile> {
  const text = await readIfExists(path);
  if (text === undefined) return NOTHING;
  try {
    return fileSchema.parse(JSON.parse(text));
  } catch {
    // Its cause is left out: it would quote the file.
    throw new McpctlError("config-invalid", `${path} is damaged`, {
      hint: `Delete it and log in again: rm ${path} && mcpctl login`,
    });
  }
}

async function readIfExists(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (isNodeError(cause) && cause.code === "ENOENT") return undefined;
    throw unusable(path, cause);
  }
}

/** A crash leaves the old file or the new one, and at no moment is the text readable by others. */
async function writeCredentials(directory: string, path: string, file: CredentialsFile): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await using handle = await open(temporary, "wx", 0o600);
    await handle.writeFile(`${JSON.stringify(file, undefined, 2)}\n`);
    await handle.sync();
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw unusable(path, cause);
  }
}

function isNodeError(thrown: unknown): thrown is NodeJS.ErrnoException {
  return thrown instanceof Error && "code" in thrown;
}

function unusable(path: string, cause: unknown): McpctlError {
  const why = isNodeError(cause) ? cause.code : "an unknown fault";
  return new McpctlError("config-invalid", `Cannot use ${path}: ${why}`, {
    hint: "Choose another directory with MCPCTL_CONFIG_DIR",
    cause,
  });
}
