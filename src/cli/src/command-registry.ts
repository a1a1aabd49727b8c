import type { CommandEntry } from "./command.ts";

const START = "Start";
const OBJECTS = "Objects";
const ACCESS = "Access";
const TEST = "Test";

/** Every command, in the order of the help. A command costs nothing until it is called. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "up",
    group: START,
    summary: "Run control plane, gateway and a demo project on this machine",
    load: async () => (await import("./commands/up.ts")).upCommand,
  },
  {
    name: "mcp",
    group: START,
    summary: "Serve a project to an MCP client on standard input and output",
    load: async () => (await import("./commands/mcp.ts")).mcpCommand,
  },
  {
    name: "version",
    group: START,
    summary: "Print the versions of mcpctl and of mcpd",
    load: async () => (await import("./commands/version.ts")).versionCommand,
  },
  {
    name: "get",
    group: OBJECTS,
    summary: "Show objects, one line each",
    load: async () => (await import("./commands/get.ts")).getCommand,
  },
  {
    name: "describe",
    group: OBJECTS,
    summary: "Show everything about an object, with its events",
    load: async () => (await import("./commands/describe.ts")).describeCommand,
  },
  {
    name: "create",
    group: OBJECTS,
    summary: "Create objects from flags or files",
    load: async () => (await import("./commands/create.ts")).createCommand,
  },
  {
    name: "apply",
    group: OBJECTS,
    summary: "Make objects equal to what files say",
    load: async () => (await import("./commands/apply.ts")).applyCommand,
  },
  {
    name: "delete",
    group: OBJECTS,
    summary: "Delete objects by name or by file",
    load: async () => (await import("./commands/delete.ts")).deleteCommand,
  },
  {
    name: "secrets",
    group: OBJECTS,
    summary: "Change the key that secrets are encrypted with",
    load: async () => (await import("./commands/secrets.ts")).secretsCommand,
  },
  {
    name: "login",
    group: ACCESS,
    summary: "Open a session with mcpd and store it",
    load: async () => (await import("./commands/login.ts")).loginCommand,
  },
  {
    name: "logout",
    group: ACCESS,
    summary: "End the stored session",
    load: async () => (await import("./commands/logout.ts")).logoutCommand,
  },
  {
    name: "auth",
    group: ACCESS,
    summary: "Show who you are, change your password, list your sessions",
    load: async () => (await import("./commands/auth.ts")).authCommand,
  },
  {
    name: "audit",
    group: ACCESS,
    summary: "Find out whether the audit trail is whole",
    load: async () => (await import("./commands/audit.ts")).auditCommand,
  },
  {
    name: "revoke",
    group: ACCESS,
    summary: "End a token for good",
    load: async () => (await import("./commands/revoke.ts")).revokeCommand,
  },
  {
    name: "test",
    group: TEST,
    summary: "Test an MCP endpoint, whoever runs it",
    load: async () => (await import("./commands/test.ts")).testCommand,
  },
];
