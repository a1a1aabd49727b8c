import { existsSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { nameSchema } from "@mcpctl/shared/kinds/metadata.ts";
import { connectionSettings, describeSettings, listenAddress, readSettings } from "@mcpctl/shared/settings.ts";
import { parse } from "yaml";
import * as z from "zod";
import { LOG_LEVELS } from "@mcpctl/shared/log.ts";
import { oidcSettings } from "./oidc/oidc-settings.ts";

const PREFIX = "MCPD_";

export const configSchema = z.object({
  listen: listenAddress.prefault("127.0.0.1:7400").describe("Address of the REST API, HOST:PORT."),
  databaseUrl: z
    .url({ protocol: /^postgres(ql)?$/, error: "must be a postgres:// URL" })
    .optional()
    .describe("PostgreSQL to use; an embedded database in the data directory when absent."),
  dataDir: z.string().min(1).default(defaultDataDir).describe("Directory of the embedded database and of packages."),
  packageRoots: z
    .string()
    .default("")
    .transform((text) => text.split(":").filter((root) => root !== ""))
    .describe("Directories, separated by :, whose installed npm packages are used before any is downloaded."),
  adminUser: nameSchema("principal").default("admin").describe("Name of the administrator that the first start makes."),
  adminPassword: z.string().min(12).optional().describe("Password of that administrator; random when absent."),
  sessionTtlSeconds: z.coerce
    .number()
    .int()
    .min(60)
    .default(12 * 3600)
    .describe("How long a login lasts."),
  sessionIdleSeconds: z.coerce
    .number()
    .int()
    .min(60)
    .default(4 * 3600)
    .describe("How long a login lasts that is not used."),
  trustedProxies: z
    .string()
    .default("")
    .transform((text) => text.split(",").flatMap((network) => network.trim() || []))
    .refine((networks) => networks.every(isNetwork), "must be IP addresses or networks, separated by commas")
    .describe("Proxies, such as 10.0.0.0/8, whose X-Forwarded-For says where a login comes from."),
  ...oidcSettings,
  changesKept: z.coerce.number().int().min(100).default(20_000).describe("How many changes a watch may lag behind."),
  auditKeyFile: z.string().min(1).optional().describe("Keys of the audit trail; audit.key in the data directory."),
  auditCheckpointFile: z
    .string()
    .min(1)
    .optional()
    .describe("Where its checkpoints are kept besides the database; audit-checkpoints.jsonl in the data directory."),
  auditRetentionDays: z.coerce.number().int().min(1).default(90).describe("How long audit rows are kept; 90 days."),
  secretsKey: z
    .string()
    .optional()
    .meta({ secret: true })
    .describe("Keys of secrets, 32 bytes in base64 each; the first encrypts. Made in the data directory when absent."),
  ...connectionSettings,
  logLevel: z
    .enum(LOG_LEVELS)
    .default("info")
    .describe(`One of ${LOG_LEVELS.join(", ")}.`),
});
export type Config = z.output<typeof configSchema>;

const USAGE = ["Usage: mcpd [FLAG VALUE]...", "", "The control plane of mcpctl.", ""];

/** @throws {McpctlError} `config-invalid` */
export function loadConfig(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): Config {
  const { path = env[`${PREFIX}CONFIG`], flags } = takeConfigFlag(argv);
  const file = path === undefined ? undefined : readConfigFile(path);
  const config = readSettings(configSchema, {
    argv: flags,
    env,
    prefix: PREFIX,
    file,
    readFile: (name) => readFileSync(name, "utf8"),
  });
  return { ...config, secretsKey: config.secretsKey ?? readCredential(env) };
}

/** What systemd hands over with `LoadCredential=mcpd-secrets-key:PATH`. */
function readCredential({ CREDENTIALS_DIRECTORY: directory }: NodeJS.ProcessEnv): string | undefined {
  const path = join(directory ?? "", "mcpd-secrets-key");
  if (directory === undefined || !existsSync(path)) return undefined;
  return readFileSync(path, "utf8");
}

function isNetwork(text: string): boolean {
  const [address = "", bits] = text.split("/", 2);
  const version = isIP(address);
  return (
    version !== 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128)))
  );
}

function takeConfigFlag(argv: readonly string[]): { path?: string | undefined; flags: readonly string[] } {
  const at = argv.findIndex((word) => word === "--config" || word.startsWith("--config="));
  const flag = argv[at];
  if (flag === undefined) return { flags: argv };
  if (flag !== "--config") return { path: flag.slice("--config=".length), flags: argv.toSpliced(at, 1) };
  return { path: argv[at + 1], flags: argv.toSpliced(at, 2) };
}

export function configHelp(): string {
  const rows = describeSettings(configSchema, PREFIX);
  return [...USAGE, ...rows, "  --config FILE  (MCPD_CONFIG)  YAML file with the same settings in camelCase."].join(
    "\n",
  );
}

/** All of mcpd's own environment that a server's process gets; without PATH most programs do not start. */
export function readInheritedEnv(env: NodeJS.ProcessEnv = process.env): { PATH: string; HOME: string } {
  return { PATH: env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin", HOME: env["HOME"] ?? homedir() };
}

/** The operator's whole environment, for installing packages: registry settings and proxies live there. */
export function readOperatorEnv(): NodeJS.ProcessEnv {
  return { ...process.env };
}

function readConfigFile(path: string): Record<string, unknown> {
  try {
    const settings: unknown = parse(readFileSync(path, "utf8"));
    if (typeof settings === "object" && settings !== null && !Array.isArray(settings)) return { ...settings };
    throw new Error("it holds no settings");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new McpctlError("config-invalid", `Cannot read the configuration file ${path}: ${why}`, { cause });
  }
}

function defaultDataDir(): string {
  return join(process.env["XDG_DATA_HOME"] ?? join(homedir(), ".local", "share"), "mcpctl");
}
