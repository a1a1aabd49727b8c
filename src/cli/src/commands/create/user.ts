import { passwordRequest } from "@mcpctl/shared/api/contracts.ts";
import { users } from "@mcpctl/shared/kinds/users.ts";
import { parseWith } from "@mcpctl/shared/validate.ts";
import { defineCommand } from "../../command.ts";
import { createObject } from "../../create-object.ts";
import { readSecretFromStdin } from "../../read-secret.ts";

export const createUserCommand = defineCommand({
  description: "A user without a password cannot log in.",
  examples: [
    "mcpctl create user alice@test.com --display-name Alice",
    "mcpctl create user bob@test.com --password-stdin < password.txt",
  ],
  positionals: { name: { label: "NAME", required: true, description: "Name of the user, such as an e-mail address." } },
  flags: {
    displayName: { type: "string", placeholder: "TEXT", description: "Name shown to people." },
    passwordStdin: { type: "boolean", description: "Read the password from standard input; at least 12 characters." },
  },

  async run(context, { name, displayName, passwordStdin }) {
    const question = `Password for ${name}: `;
    const password = passwordStdin
      ? await readSecretFromStdin(context.io, { question, flag: "--password-stdin" })
      : undefined;
    if (password !== undefined) parseWith(passwordRequest, { password }, "The password");
    await createObject(context, { kind: users, name, spec: { displayName } });
    if (password !== undefined) await (await context.api()).setPassword(name, password);
  },
});
