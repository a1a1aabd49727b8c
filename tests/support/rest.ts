import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configSchema } from "../../src/mcpd/src/config.ts";
import { type McpdOptions, startMcpd } from "../../src/mcpd/src/mcpd.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- a test may look into any answer; it asserts what it finds
export type Body = Record<string, any>;

export interface Answer {
  status: number;
  type: string | null;
  headers: Headers;
  body: Body;
}

export interface Caller {
  /** null sends none; the administrator's when absent. */
  bearer?: string | null;
  headers?: Record<string, string>;
}

export interface Rest extends AsyncDisposable {
  url: string;
  /** Bearer of the administrator. */
  admin: string;
  dataDir: string;
  /** An object is sent as JSON, a string as it is. */
  send(method: string, path: string, body?: unknown, caller?: Caller): Promise<Answer>;
}

const ADMIN = { user: "admin", password: "an admin password" };

interface RestOptions {
  /** That of one before, which is removed at the end; a new one when absent. */
  dataDir?: string;
  /** Leaves its directory to the next one. */
  keepsDataDir?: boolean;
  /** Further settings, as a configuration file has them. */
  settings?: object;
  mcpd?: McpdOptions;
}

/** Starts a control plane in this process; without a URL on an embedded database. */
export async function startRest(databaseUrl: string | undefined, options: RestOptions = {}): Promise<Rest> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "mcpctl-rest-")));
  const mcpd = await startMcpd(
    configSchema.parse({
      listen: "127.0.0.1:0",
      dataDir,
      databaseUrl,
      adminPassword: ADMIN.password,
      logLevel: "silent",
      ...options.settings,
    }),
    options.mcpd ?? {},
  );
  let admin: string | null = null;
  const rest: Rest = {
    url: mcpd.url,
    admin: "",
    dataDir,
    async send(method, path, body, { bearer = admin, headers = {} } = {}) {
      const type = method === "PATCH" ? "application/apply-patch+json" : "application/json";
      const response = await fetch(`${mcpd.url}${path}`, {
        method,
        headers: {
          ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
          ...(body !== undefined && { "content-type": type }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      return toAnswer(response);
    },
    async [Symbol.asyncDispose]() {
      await mcpd[Symbol.asyncDispose]();
      if (!options.keepsDataDir) await rm(dataDir, { recursive: true, force: true });
    },
  };
  const login = await rest.send("POST", "/api/v1/login", ADMIN);
  admin = String(login.body["token"]);
  return { ...rest, admin };
}

async function toAnswer(response: Response): Promise<Answer> {
  const { status, headers } = response;
  const text = await response.text();
  const type = headers.get("content-type");
  return { status, type, headers, body: type?.includes("json") ? (JSON.parse(text) as Body) : { text } };
}
