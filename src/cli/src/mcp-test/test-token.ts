import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { mcpTokens } from "@mcpctl/shared/kinds/mcp-tokens.ts";
import { usageError } from "../args.ts";
import type { CommandContext } from "../command-context.ts";
import { toManifest } from "../create-object.ts";
import { readSecretFromStdin } from "../read-secret.ts";
import type { TestInput } from "./options.ts";

/** Long enough for the test, should nobody be left to delete it. */
const TTL = "1h";
const CLEAN_UP_MS = 5_000;

type TokenInput = Pick<TestInput, "token" | "tokenFile" | "tokenStdin" | "project">;

/** Runs a test with the token that the command line names. @throws {McpctlError} `invalid` when it names several. */
export async function withToken<T>(
  context: CommandContext,
  input: TokenInput,
  act: (token: string | undefined) => Promise<T>,
): Promise<T> {
  const { token, tokenFile, tokenStdin, project } = input;
  const sources = [token, tokenFile, tokenStdin || undefined, project].filter((source) => source !== undefined);
  if (sources.length > 1) {
    throw usageError("The token is given more than once", "Choose one of --token-file, --token-stdin, --token and -p");
  }
  if (project !== undefined) return withMintedToken(context, project, act);
  if (tokenFile !== undefined) return act(await readTokenFile(tokenFile));
  if (!tokenStdin) return act(token ?? context.config.mcpToken);
  return act((await readSecretFromStdin(context.io, { question: "Token: ", flag: "--token-stdin" })).trim());
}

async function readTokenFile(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const why = cause instanceof Error && "code" in cause ? String(cause.code) : "it cannot be read";
    throw usageError(`Cannot read the token from ${path}: ${why}`, "Give a file with: --token-file FILE");
  }
  const [line = ""] = text.split(/\r?\n/, 1);
  if (line.trim() !== "") return line.trim();
  throw usageError(`The first line of ${path} is empty`, "It has to be the token");
}

async function withMintedToken<T>(
  { api, io }: CommandContext,
  project: string,
  act: (token: string) => Promise<T>,
): Promise<T> {
  const name = `test-${randomUUID().slice(0, 8)}`;
  const manifest = toManifest({ kind: mcpTokens, name, project, spec: { ttl: TTL, rbac: "empty" } });
  const { token } = await (await api()).createMcpToken(manifest);
  try {
    return await act(token);
  } finally {
    await deleteToken();
  }

  /** Also after Ctrl-C: a token that nobody knows of should not live on. */
  async function deleteToken(): Promise<void> {
    try {
      await (await api(AbortSignal.timeout(CLEAN_UP_MS))).delete(mcpTokens, { name, project });
    } catch (thrown) {
      if (!(thrown instanceof McpctlError)) throw thrown;
      io.err(`Warning: mcptoken/${name} could not be deleted (${thrown.message}); it ends in ${TTL}`);
    }
  }
}
