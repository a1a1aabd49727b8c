import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import {
  findSession,
  LOGIN_FILE,
  type LoginFile,
  NO_LOGINS,
  parseLoginFile,
  type StoredSession,
} from "@mcpctl/shared/login-file.ts";

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
  const path = join(directory, LOGIN_FILE);
  return {
    async findCurrentServer() {
      return (await readCredentials(path)).current;
    },
    async find(serverUrl) {
      return findSession(await readCredentials(path), serverUrl);
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

async function readCredentials(path: string): Promise<LoginFile> {
  const text = await readIfExists(path);
  return text === undefined ? NO_LOGINS : parseLoginFile(text, path);
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
async function writeCredentials(directory: string, path: string, file: LoginFile): Promise<void> {
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
