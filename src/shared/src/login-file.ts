import * as z from "zod";
import { McpctlError } from "./errors.ts";

/** Name of the file in the user's configuration directory. */
export const LOGIN_FILE = "credentials.json";

const storedSession = z.object({
  token: z.string().min(1),
  user: z.string().optional(),
  expiresAt: z.string().optional(),
});
export type StoredSession = z.output<typeof storedSession>;

const loginFile = z.object({
  version: z.literal(1),
  /** Address of the last login. */
  current: z.string().optional(),
  /** By address of mcpd. */
  sessions: z.record(z.string(), storedSession),
});

/** What `mcpctl login` keeps: the sessions of a user, by server. */
export type LoginFile = z.output<typeof loginFile>;

export const NO_LOGINS: LoginFile = { version: 1, sessions: {} };

/**
 * @param path - of the file, for messages.
 * @throws {McpctlError} `config-invalid`
 */
export function parseLoginFile(text: string, path: string): LoginFile {
  try {
    return loginFile.parse(JSON.parse(text));
  } catch {
    // Its cause is left out: it would quote the file.
    throw new McpctlError("config-invalid", `${path} is damaged`, {
      hint: `Delete it and log in again: rm ${path} && mcpctl login`,
    });
  }
}

export function findSession({ sessions }: LoginFile, serverUrl: string): StoredSession | undefined {
  return Object.hasOwn(sessions, serverUrl) ? sessions[serverUrl] : undefined;
}
