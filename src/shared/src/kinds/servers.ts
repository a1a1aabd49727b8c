import * as z from "zod";
import { conditionsSchema, findCondition } from "./conditions.ts";
import { CRUD, defineKind, type Resource } from "./kind.ts";
import { nameSchema } from "./metadata.ts";
import { secretKey } from "./secrets.ts";
import { toolPolicy } from "./tool-policy.ts";

const secretRef = z
  .strictObject({
    name: nameSchema("dns").describe("Name of the Secret."),
    key: secretKey.describe("Key inside the Secret."),
  })
  .describe("Takes the value from a Secret.");

const valueOrSecret = {
  value: z.string().max(32_768).optional().describe("The value in the clear."),
  secretRef: secretRef.optional(),
};

function hasOneSource(entry: { value?: unknown; secretRef?: unknown }): boolean {
  return (entry.value === undefined) !== (entry.secretRef === undefined);
}

const envVar = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "is not the name of an environment variable")
      .describe("Name of the environment variable."),
    ...valueOrSecret,
  })
  .refine(hasOneSource, "needs exactly one of value and secretRef");

const header = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, "is not the name of an HTTP header")
      .describe("Name of the HTTP header."),
    ...valueOrSecret,
  })
  .refine(hasOneSource, "needs exactly one of value and secretRef");

const uniqueNames = (entries: { name: string }[]) => new Set(entries.map((e) => e.name)).size === entries.length;

const npmPackage = z
  .strictObject({
    npm: z
      .string()
      .regex(/^(@[a-z0-9~][a-z0-9._~-]*\/)?[a-z0-9~][a-z0-9._~-]*$/, "is not the name of an npm package")
      .describe("Package of the npm registry whose executable speaks MCP over stdio."),
    version: z
      .string()
      .regex(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/, "must be an exact version, such as 1.2.3")
      .describe("Exact version. Ranges are refused: what ran yesterday runs today."),
  })
  .describe("A package to install and run.");

const liveness = z
  .strictObject({
    periodSeconds: z
      .int()
      .min(0)
      .max(3_600)
      .exactOptional()
      .describe("Seconds between two looks, 0 for none; 30 when absent."),
    timeoutSeconds: z.int().min(1).max(600).exactOptional().describe("Seconds that a look waits; 10 when absent."),
    failureThreshold: z
      .int()
      .min(1)
      .max(100)
      .exactOptional()
      .describe("Failed looks in a row that end it; 3 when absent."),
  })
  .describe("When a process that does not answer tools/list is restarted.");

const spec = z
  .strictObject({
    command: z.string().min(1).optional().describe("Program to run; never given to a shell."),
    package: npmPackage.optional(),
    url: z
      .url({ protocol: /^https?$/, error: "must be an http or https URL" })
      .optional()
      .describe("Address of a server that speaks Streamable HTTP."),
    args: z.array(z.string().max(32_768)).max(256).default([]).describe("Arguments of the program, one per entry."),
    env: z
      .array(envVar)
      .max(256)
      .refine(uniqueNames, "names a variable twice")
      .default([])
      .describe("The whole environment of the process besides PATH and HOME; nothing is inherited."),
    headers: z
      .array(header)
      .max(64)
      .refine(uniqueNames, "names a header twice")
      .default([])
      .describe("HTTP headers sent with every request to url."),
    replicas: z.int().min(0).max(20).default(1).describe("How many copies of the process run; 0 stops the server."),
    startTimeoutSeconds: z.int().min(1).max(600).default(30).describe("Limit for start and handshake."),
    timeoutSeconds: z.int().min(1).max(600).default(60).describe("Limit for one request to the server."),
    liveness: liveness.optional(),
    tools: toolPolicy,
  })
  .superRefine((server, context) => {
    const forms = (["command", "package", "url"] as const).filter((form) => server[form] !== undefined);
    if (forms.length !== 1) {
      const found = forms.length === 0 ? "none is given" : `${forms.join(" and ")} are given`;
      context.addIssue({
        code: "custom",
        path: [],
        message: `needs exactly one of command, package and url; ${found}`,
      });
    }
    if (server.url === undefined && server.headers.length > 0) {
      context.addIssue({ code: "custom", path: ["headers"], message: "belong to url only" });
    }
    for (const field of ["args", "env"] as const) {
      if (server.url === undefined || server[field].length === 0) continue;
      context.addIssue({ code: "custom", path: [field], message: "belong to command or package only" });
    }
  });

const status = z.strictObject({
  observedGeneration: z.int().describe("Generation of the spec that this status speaks of."),
  conditions: conditionsSchema,
  replicas: z.int().describe("Instances that exist."),
  readyReplicas: z.int().describe("Instances that answer."),
  protocolVersion: z.string().optional().describe("MCP revision that the server speaks."),
  serverInfo: z.looseObject({ name: z.string() }).optional().describe("What the server says it is."),
  toolCount: z.int().optional().describe("Tools that it offers."),
});

export type SecretRef = z.output<typeof secretRef>;
export type ServerSpec = z.output<typeof spec>;
export type ServerStatus = z.output<typeof status>;

export const servers = defineKind({
  kind: "Server",
  singular: "server",
  plural: "servers",
  shortNames: ["srv"],
  scope: "global",
  nameForm: "dns",
  summary: "How to run or reach one MCP server.",
  verbs: CRUD,
  spec,
  status,
  listMapKeys: { "spec.env": "name", "spec.headers": "name", "spec.tools.allow": "", "spec.tools.deny": "" },
  columns: [
    { header: "Type", description: "How it is run or reached.", value: (s) => serverType(s.spec) },
    { header: "Ready", description: "Instances that answer, of those wanted.", value: readyColumn },
    { header: "Status", description: "The Ready condition in a word.", value: (s) => readyReason(s.status) },
    { header: "Tools", description: "Tools that it offers.", value: (s) => s.status?.toolCount?.toString() },
    { header: "Protocol", description: "MCP revision.", wide: true, value: (s) => s.status?.protocolVersion },
    { header: "Source", description: "Command, package or address.", wide: true, value: (s) => serverSource(s.spec) },
  ],
  examples: [
    {
      metadata: { name: "files" },
      spec: {
        package: { npm: "@modelcontextprotocol/server-filesystem", version: "2026.8.31" },
        args: ["./docs"],
        env: [
          { name: "LOG_LEVEL", value: "info" },
          { name: "API_KEY", secretRef: { name: "files", key: "api-key" } },
        ],
      },
    },
    { metadata: { name: "everything" }, spec: { command: "node", args: ["./server.js"] } },
    {
      metadata: { name: "search" },
      spec: {
        url: "https://mcp.example.com/mcp",
        headers: [{ name: "X-Key", secretRef: { name: "search", key: "key" } }],
      },
    },
  ],
});

export type Server = Resource<ServerSpec, ServerStatus>;

/** Whether mcpd runs the server as a process of its own. */
export function isProcessServer(server: ServerSpec): boolean {
  return server.url === undefined;
}

function serverType(server: ServerSpec): string {
  if (server.url !== undefined) return "http";
  return server.package === undefined ? "command" : "npm";
}

function serverSource({ url, command, package: npm }: ServerSpec): string | undefined {
  return url ?? command ?? (npm && `${npm.npm}@${npm.version}`);
}

function readyColumn({ spec: wanted, status: seen }: Server): string {
  const replicas = isProcessServer(wanted) ? wanted.replicas : 1;
  return `${seen?.readyReplicas ?? 0}/${replicas}`;
}

function readyReason(seen: ServerStatus | undefined): string {
  const ready = findCondition(seen, "Ready");
  if (!ready) return "Pending";
  return ready.status === "True" ? "Ready" : ready.reason;
}
