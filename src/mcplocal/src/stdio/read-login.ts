import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { findSession, LOGIN_FILE, type LoginFile, NO_LOGINS, parseLoginFile } from "@mcpctl/shared/login-file.ts";

/** Reads what `mcpctl login` has left. @throws {McpctlError} `config-invalid` when it is damaged. */
export async function readLogins(configDir: string): Promise<LoginFile> {
  const path = join(configDir, LOGIN_FILE);
  const text = await readFile(path, "utf8").catch((thrown: unknown) => {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return undefined;
    throw new McpctlError("config-invalid", `Cannot use ${path}: ${String(thrown)}`, {
      hint: "Name another directory with --config-dir, or a credential with --credential-file",
      cause: thrown,
    });
  });
  return text === undefined ? NO_LOGINS : parseLoginFile(text, path);
}

/** The session with one mcpd, as of now. @throws {McpctlError} `unauthenticated`, `config-invalid`. */
export async function readSession(configDir: string, mcpdUrl: string): Promise<string> {
  const session = findSession(await readLogins(configDir), mcpdUrl);
  if (session) return session.token;
  throw new McpctlError("unauthenticated", `Not logged in to ${mcpdUrl}`, { hint: "Log in with: mcpctl login" });
}
