import { passwordRequest } from "@mcpctl/shared/api/contracts.ts";
import { users } from "@mcpctl/shared/kinds/users.ts";
import { parseWith } from "@mcpctl/shared/validate.ts";
import { usageError } from "../../args.ts";
import { defineCommand } from "../../command.ts";
import { createObject } from "../../create-object.ts";
import { readSecretFromStdin } from "../../read-secret.ts";

export const createUserCommand = defineCommand({
  description: "A user with neither a password nor an OpenID identity cannot log in.",
  examples: [
    "mcpctl create user alice@test.com --display-name Alice",
    "mcpctl create user bob@test.com --password-stdin < password.txt",
    "mcpctl create user eve@test.com --oidc-issuer https://id.example.com --oidc-subject 248289761001",
  ],
  positionals: { name: { label: "NAME", required: true, description: "Name of the user, such as an e-mail address." } },
  flags: {
    displayName: { type: "string", placeholder: "TEXT", description: "Name shown to people." },
    passwordStdin: { type: "boolean", description: "Read the password from standard input; at least 12 characters." },
    oidcIssuer: { type: "string", placeholder: "URL", description: "OpenID provider with which the user logs in." },
    oidcSubject: {
      type: "string",
      placeholder: "SUB",
      description: "What the provider calls the user: its claim sub.",
    },
  },

  async run(context, { name, displayName, passwordStdin, oidcIssuer, oidcSubject }) {
    if ((oidcIssuer === undefined) !== (oidcSubject === undefined)) {
      throw usageError("--oidc-issuer and --oidc-subject go together", "Give both, or none");
    }
    const oidc = oidcIssuer === undefined ? undefined : { issuer: oidcIssuer, subject: oidcSubject };
    const question = `Password for ${name}: `;
    const password = passwordStdin
      ? await readSecretFromStdin(context.io, { question, flag: "--password-stdin" })
      : undefined;
    if (password !== undefined) parseWith(passwordRequest, { password }, "The password");
    await createObject(context, { kind: users, name, spec: { displayName, oidc } });
    if (password !== undefined) await (await context.api()).setPassword(name, password);
  },
});
