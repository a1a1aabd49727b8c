import type { ApiClient } from "@mcpctl/shared/api/client.ts";
import { usageError } from "../args.ts";
import { defineCommand } from "../command.ts";
import type { CommandContext } from "../command-context.ts";
import type { StoredSession } from "../credentials.ts";
import { readSecretFromStdin } from "../read-secret.ts";
import { isPlainRemote } from "../server-url.ts";

export const loginCommand = defineCommand({
  description: "Asks for user and password, and stores the session for the commands that follow.",
  examples: [
    "mcpctl login",
    "mcpctl login --server https://mcpctl.example.com --user alice@test.com",
    "mcpctl login --user ci --password-stdin < password.txt",
  ],
  positionals: {},
  flags: {
    user: { type: "string", placeholder: "NAME", description: "Name of the user." },
    passwordStdin: { type: "boolean", description: "Read the password from standard input." },
    tokenStdin: { type: "boolean", description: "Read a session or token from standard input instead of logging in." },
  },

  async run(context, { user, passwordStdin, tokenStdin }) {
    const { io, config } = context;
    const url = await context.server();
    if (isPlainRemote(url)) io.err(`Warning: ${url} is not encrypted; whoever is on the way can read the password`);
    const session = tokenStdin
      ? await checkToken(context, user)
      : await openSession(
          await context.apiWith(undefined),
          await askCredentials(context, { user, isPiped: passwordStdin }),
        );
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

async function openSession(api: ApiClient, { user, password }: Credential): Promise<StoredSession> {
  return { ...(await api.login(user, password)), user };
}

/** A bearer is asked who it is before it is stored, so that a wrong one is found out now. */
async function checkToken(context: CommandContext, user: string | undefined): Promise<StoredSession> {
  if (user !== undefined) throw usageError("--user does not go with --token-stdin", "The token says who its user is");
  const token = await readSecretFromStdin(context.io, { question: "Token: ", flag: "--token-stdin" });
  const { name } = await (await context.apiWith(token.trim())).whoami();
  return { token: token.trim(), user: name };
}
