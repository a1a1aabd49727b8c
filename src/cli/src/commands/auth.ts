import type { AnyCommand } from "../command.ts";

export const authCommand: AnyCommand = {
  examples: ["mcpctl auth whoami", "mcpctl auth can-i create servers", "mcpctl auth passwd"],
  positionals: {},
  flags: {},
  subcommands: [
    {
      name: "whoami",
      group: "Commands",
      summary: "Show who mcpd takes you for",
      load: async () => (await import("./auth/whoami.ts")).whoamiCommand,
    },
    {
      name: "can-i",
      group: "Commands",
      summary: "Say whether you, or somebody else, may do something",
      load: async () => (await import("./auth/can-i.ts")).canICommand,
    },
    {
      name: "why",
      group: "Commands",
      summary: "Say which binding, or whose limit, decides",
      load: async () => (await import("./auth/why.ts")).whyCommand,
    },
    {
      name: "passwd",
      group: "Commands",
      summary: "Change your password, or set another user's",
      load: async () => (await import("./auth/passwd.ts")).passwdCommand,
    },
    {
      name: "sessions",
      group: "Commands",
      summary: "List your sessions, and end some of them",
      load: async () => (await import("./auth/sessions.ts")).sessionsCommand,
    },
  ],
};
