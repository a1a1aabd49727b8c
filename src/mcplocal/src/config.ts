import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { LOG_LEVELS } from "@mcpctl/shared/log.ts";
import { connectionSettings, describeSettings, listenAddress, readSettings } from "@mcpctl/shared/settings.ts";
import * as z from "zod";
import { type StdioConfig, stdioSettings, withDirectories } from "./stdio/stdio-settings.ts";

const PREFIX = "MCPLOCAL_";

const list = z.string().transform((text) =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== ""),
);

const schema = z
  .object({
    listen: listenAddress.prefault("127.0.0.1:7420").describe("HOST:PORT to serve MCP on; 127.0.0.1:7420 when absent."),
    mcpdUrl: z
      .url({ protocol: /^https?$/, error: "must be an http or https URL" })
      .default("http://127.0.0.1:7400")
      .describe("Address of mcpd; http://127.0.0.1:7400 when absent."),
    credential: z
      .string()
      .regex(/^[\x21-\x7e]{1,256}$/, "is no credential")
      .optional()
      .meta({ secret: true })
      .describe("The gateway's own credential for mcpd, used instead of the callers' tokens. Better in a _FILE."),
    allowedHosts: list.prefault("").describe("Further values of the Host header, separated by commas."),
    allowedOrigins: list.prefault("").describe("Further values of the Origin header, separated by commas."),
    auth: z.enum(["token", "none"]).default("token").describe("token, or none for conformance runs on loopback."),
    project: z.string().min(1).optional().describe("Project to serve with --auth none."),
    auditDir: z
      .string()
      .min(1)
      .optional()
      .describe(
        "Directory for the record of every tool call; none when absent. With --credential they are shipped to mcpd.",
      ),
    auditSpoolBytes: z.coerce
      .number()
      .int()
      .min(1_000_000)
      .default(512_000_000)
      .describe("Bytes of records that wait for mcpd; when they are more, it is not ready. 512000000 when absent."),
    cacheDir: z
      .string()
      .min(1)
      .optional()
      .describe("Directory for what was last known of projects, so that a start need not wait; none when absent."),
    graceSeconds: z.coerce
      .number()
      .int()
      .min(0)
      .max(3_600)
      .default(30)
      .describe("How long known tokens and projects are served while mcpd is silent; 30 when absent."),
    ...connectionSettings,
    logLevel: z
      .enum(LOG_LEVELS)
      .default("info")
      .describe(`One of ${LOG_LEVELS.join(", ")}.`),
  })
  .superRefine(({ auth, project, listen }, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
    if (auth === "none" && project === undefined) refuse("project", "is needed with --auth none");
    if (auth === "token" && project !== undefined) refuse("project", "belongs to --auth none; a token names its own");
    if (auth === "none" && !isLoopback(listen.host)) refuse("auth", "may be none only on a loopback address");
  });

export type GatewayConfig = z.output<typeof schema>;

interface Surroundings {
  /** Arguments behind the name of the program. */
  argv: readonly string[];
  env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads the settings: flags over `MCPLOCAL_*` variables over defaults.
 *
 * @throws {McpctlError} `config-invalid`
 */
export function readConfig({ argv, env = process.env }: Surroundings): GatewayConfig {
  return readSettings(schema, { argv, env, prefix: PREFIX, readFile: (path) => readFileSync(path, "utf8") });
}

export function helpText(): string {
  const usage = [
    "Usage: mcplocal-serve [FLAG VALUE]...",
    "",
    "Serves the MCP servers of projects over Streamable HTTP.",
    "",
  ];
  return [...usage, ...describeSettings(schema, PREFIX), "", "  --help, --version", ""].join("\n");
}

/**
 * Reads the settings of the program for STDIO in the same way.
 *
 * @throws {McpctlError} `config-invalid`
 */
export function readStdioConfig({ argv, env = process.env }: Surroundings): StdioConfig {
  const sources = { argv, env, prefix: PREFIX, readFile: (path: string) => readFileSync(path, "utf8") };
  return withDirectories(readSettings(stdioSettings, sources), { env, home: homedir() });
}

export function stdioHelpText(): string {
  const usage = ["Usage: mcplocal [FLAG VALUE]...", "", "Serves the MCP servers of a project on STDIO.", ""];
  return [...usage, ...describeSettings(stdioSettings, PREFIX), "", "  --help, --version", ""].join("\n");
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
