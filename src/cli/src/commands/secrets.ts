import { type AnyCommand, defineCommand } from "../command.ts";

const rotateCommand = defineCommand({
  description:
    "Put a new key in front of the old one in mcpd's file of keys and restart mcpd; then this brings every secret " +
    "under the new key, while mcpd works on. It may be interrupted and called again. Keep the old key with the backups.",
  examples: ["mcpctl secrets rotate", "mcpctl secrets rotate --server https://mcpd.example.com"],
  positionals: {},
  flags: {},

  async run({ io, api, signal }) {
    const client = await api();
    for (let total = 0; ;) {
      const { keyId, rewrapped, remaining } = await client.rotateSecrets();
      total += rewrapped;
      if (remaining === 0) return io.out(`${total} secrets brought under key ${keyId}; none needs another key`);
      io.err(`${total} secrets brought under key ${keyId}, ${remaining} remain`);
      signal.throwIfAborted();
    }
  },
});

export const secretsCommand: AnyCommand = {
  examples: ["mcpctl secrets rotate", "mcpctl get secrets"],
  positionals: {},
  flags: {},
  subcommands: [
    {
      name: "rotate",
      group: "Commands",
      summary: "Bring all secrets under the newest key",
      load: async () => rotateCommand,
    },
  ],
};
