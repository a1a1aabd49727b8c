import { McpctlError } from "@mcpctl/shared/errors.ts";
import { defineCommand } from "../command.ts";

export const logoutCommand = defineCommand({
  description: "Ends the session at mcpd and forgets it here. A session that mcpd no longer knows is forgotten too.",
  examples: ["mcpctl logout", "mcpctl logout --all", "mcpctl logout --server https://mcpctl.example.com"],
  positionals: {},
  flags: { all: { type: "boolean", description: "End all of your sessions, on other machines too." } },

  async run(context, { all }) {
    const url = await context.server();
    const credentials = await context.credentials();
    const session = await credentials.find(url);
    if (!session) return context.io.err(`Not logged in to ${url}`);
    const api = await context.apiWith(session.token);
    // Before the session is forgotten: without it the others could not be ended.
    if (all) await api.endAllSessions();
    await credentials.remove(url);
    if (all) return context.io.err(`Logged out of ${url}, everywhere`);
    try {
      await api.logout();
      context.io.err(`Logged out of ${url}`);
    } catch (thrown) {
      if (!(thrown instanceof McpctlError)) throw thrown;
      context.io.err(`Forgot the session of ${url}; mcpd did not end it: ${thrown.message}`);
    }
  },
});
