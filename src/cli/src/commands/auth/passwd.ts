import { passwordRequest } from "@mcpctl/shared/api/contracts.ts";
import { parseWith } from "@mcpctl/shared/validate.ts";
import { usageError } from "../../args.ts";
import { defineCommand } from "../../command.ts";
import type { CommandContext } from "../../command-context.ts";
import { readSecretLines } from "../../read-secret.ts";

const FLAG = "--password-stdin";

export const passwdCommand = defineCommand({
  description:
    "Changes your own password, which takes the old one, or sets another user's, which takes every right of that " +
    "user. Sessions of the user end; yours is replaced by a new one.",
  examples: [
    "mcpctl auth passwd",
    "mcpctl auth passwd --password-stdin < old-and-new.txt",
    "mcpctl auth passwd alice@test.com --password-stdin < new.txt",
  ],
  positionals: { user: { label: "USER", description: "Whose password; your own when absent." } },
  flags: {
    passwordStdin: {
      type: "boolean",
      description: "Read from standard input, one line each: the old password, where it is your own, and the new one.",
    },
  },

  async run(context, { user, passwordStdin: isPiped }) {
    const api = await context.api();
    const me = await api.whoami();
    if (user === undefined || (me.kind === "User" && me.name === user)) return changeOwn(context, isPiped);
    const [password = ""] = await readPasswords(context, [`New password of ${user}: `], isPiped);
    await api.setPassword(user, password);
    context.io.err(`Password of ${user} set; the user's sessions have ended`);
  },
});

async function changeOwn(context: CommandContext, isPiped: boolean): Promise<void> {
  const { io, config } = context;
  const [oldPassword = "", password = ""] = await readPasswords(context, ["Old password: ", "New password: "], isPiped);
  const { token, expiresAt } = await (await context.api()).changePassword({ oldPassword, password });
  if (config.token !== undefined) {
    return io.err("Password changed. The session in MCPCTL_TOKEN has ended; log in again with: mcpctl login");
  }
  const credentials = await context.credentials();
  const url = await context.server();
  await credentials.save(url, { ...(await credentials.find(url)), token, expiresAt });
  io.err("Password changed; all other sessions have ended");
}

/** The last of them is the new one. */
async function readPasswords(
  { io }: Pick<CommandContext, "io">,
  questions: readonly string[],
  isPiped: boolean,
): Promise<string[]> {
  if (isPiped) return checked(await readSecretLines(io, { count: questions.length, flag: FLAG }));
  if (!io.canAsk) throw usageError("There is no terminal to ask for the password", `Give it with: ${FLAG} < FILE`);
  const answers: string[] = [];
  for (const question of questions) answers.push(await io.askSecret(question));
  checked(answers);
  if ((await io.askSecret("Repeat the new password: ")) === answers.at(-1)) return answers;
  throw usageError("The two new passwords differ", "Nothing was changed; try again");
}

function checked(passwords: string[]): string[] {
  parseWith(passwordRequest, { password: passwords.at(-1) }, "The new password");
  return passwords;
}
