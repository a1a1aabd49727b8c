import type { ApiClient } from "@mcpctl/shared/api/client.ts";
import { hasCode } from "@mcpctl/shared/errors.ts";
import { usageError } from "../args.ts";
import { defineCommand } from "../command.ts";
import type { CommandContext } from "../command-context.ts";
import type { StoredSession } from "@mcpctl/shared/login-file.ts";
import { readSecretFromStdin } from "../read-secret.ts";
import { isPlainRemote } from "../server-url.ts";

export const loginCommand = defineCommand({
  description:
    "Opens a session and stores it for the commands that follow: with the browser where mcpd has an OpenID provider, " +
    "with a user name and a password where it has none, or --user is given.",
  examples: [
    "mcpctl login",
    "mcpctl login --server https://mcpctl.example.com --device",
    "mcpctl login --server https://mcpctl.example.com --user alice@test.com",
    "mcpctl login --user ci --password-stdin < password.txt",
  ],
  positionals: {},
  flags: {
    user: { type: "string", placeholder: "NAME", description: "Name of the user." },
    passwordStdin: { type: "boolean", description: "Read the password from standard input." },
    oidc: { type: "boolean", description: "Log in with the browser of this machine, at the OpenID provider of mcpd." },
    device: { type: "boolean", description: "Log in at the OpenID provider with the browser of any other device." },
    tokenStdin: { type: "boolean", description: "Read a session or token from standard input instead of logging in." },
  },

  async run(context, input) {
    const { io, config } = context;
    const url = await context.server();
    if (isPlainRemote(url)) io.err(`Warning: ${url} is not encrypted; whoever is on the way can read the password`);
    const session = input.tokenStdin ? await checkToken(context, input) : await openSession(context, input);
    await (await context.credentials()).save(url, session);
    const end = session.expiresAt === undefined ? "" : `, until ${session.expiresAt}`;
    io.err(`Logged in to ${url} as ${session.user ?? "an unknown user"}${end}`);
    if (config.token !== undefined) io.err("Warning: MCPCTL_TOKEN is set and wins over this session");
  },
});

interface Credential {
  user: string;
  password: string;
}

async function askCredentials(
  context: CommandContext,
  given: { user: string | undefined; isPiped: boolean },
): Promise<Credential> {
  const { io } = context;
  if (!io.canAsk && !given.isPiped) {
    throw usageError(
      "There is no terminal to ask for the password",
      "Give it with: --user NAME --password-stdin < FILE",
    );
  }
  if (!io.canAsk && given.user === undefined) throw usageError("--user is missing", "Name the user with: --user NAME");
  const user = given.user ?? (await io.ask("User: ")).trim();
  if (user === "") throw usageError("No user is given", "Name the user with: --user NAME");
  const question = `Password of ${user}: `;
  const password = given.isPiped
    ? await readSecretFromStdin(io, { question, flag: "--password-stdin" })
    : await io.askSecret(question);
  return { user, password };
}

interface Choice {
  user: string | undefined;
  passwordStdin: boolean;
  oidc: boolean;
  device: boolean;
}

async function openSession(context: CommandContext, choice: Choice): Promise<StoredSession> {
  const { user, passwordStdin: isPiped, oidc, device } = choice;
  const hasPassword = user !== undefined || isPiped;
  if (hasPassword && (oidc || device)) {
    throw usageError(
      `--${oidc ? "oidc" : "device"} takes neither a user nor a password`,
      "The OpenID provider asks for them",
    );
  }
  if (oidc && device) throw usageError("--oidc and --device exclude each other", "Choose one of them");
  const api = await context.apiWith(undefined);
  if (oidc || device || (context.io.canAsk && !hasPassword && (await hasProvider(api)))) {
    const { loginInBrowser, loginOnDevice } = await import("../oidc-login.ts");
    const { token, expiresAt, user: name } = await (device ? loginOnDevice : loginInBrowser)(context, api);
    return { token, expiresAt, user: name };
  }
  const credential = await askCredentials(context, { user, isPiped });
  return { ...(await api.login(credential.user, credential.password)), user: credential.user };
}

/** An mcpd from before there were providers does not know the question. */
async function hasProvider(api: ApiClient): Promise<boolean> {
  try {
    return (await api.loginMethods()).oidc !== undefined;
  } catch (thrown) {
    if (hasCode(thrown, "not-found")) return false;
    throw thrown;
  }
}

/** A bearer is asked who it is before it is stored, so that a wrong one is found out now. */
async function checkToken(context: CommandContext, { user, oidc, device }: Choice): Promise<StoredSession> {
  if (oidc || device) throw usageError("--token-stdin is a way to log in by itself", "Choose one of them");
  if (user !== undefined) throw usageError("--user does not go with --token-stdin", "The token says who its user is");
  const token = await readSecretFromStdin(context.io, { question: "Token: ", flag: "--token-stdin" });
  const { name } = await (await context.apiWith(token.trim())).whoami();
  return { token: token.trim(), user: name };
}
