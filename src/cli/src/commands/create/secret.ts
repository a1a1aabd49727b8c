import { secrets } from "@mcpctl/shared/kinds/secrets.ts";
import { usageError } from "../../args.ts";
import { defineCommand } from "../../command.ts";
import { createObject } from "../../create-object.ts";
import { readSecretValues } from "../../secret-values.ts";

export const createSecretCommand = defineCommand({
  description:
    "mcpd encrypts the values and shows them to nobody. Servers name them: env: [{ name: API_KEY, " +
    "secretRef: { name: files, key: api-key } }]. A file is taken as it is, with a newline at its end.",
  examples: [
    "mcpctl create secret files --from-file api-key=./api-key.txt",
    "mcpctl create secret search --from-file key=- < key.txt",
    "mcpctl create secret search --from-env-file .env",
  ],
  positionals: { name: { label: "NAME", required: true, description: "Name of the secret." } },
  flags: {
    fromFile: {
      type: "strings",
      placeholder: "KEY=PATH",
      description: "Value from a file, or from standard input (-). May be repeated.",
    },
    fromEnvFile: {
      type: "strings",
      placeholder: "PATH",
      description: "Every NAME=VALUE line of a file. May be repeated.",
    },
    fromLiteral: {
      type: "strings",
      placeholder: "KEY=VALUE",
      description: "Value in the command itself, where every process of the machine sees it. May be repeated.",
    },
    description: { type: "string", placeholder: "TEXT", description: "Shown to people." },
  },

  async run(context, { name, description, ...sources }) {
    const { io } = context;
    const values = await readSecretValues(io, sources);
    if (values.length === 0) throw usageError("A secret needs a value", "For example: --from-file api-key=./key.txt");
    if (sources.fromLiteral.length > 0) {
      io.err("Warning: the shell keeps what follows --from-literal, and other users can see it; --from-file hides it.");
    }
    await createObject(context, { kind: secrets, name, spec: { description, data: Object.fromEntries(values) } });
  },
});
