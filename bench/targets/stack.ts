import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ApiClient, createApiClient } from "@mcpctl/shared/api/client.ts";
import { projects } from "@mcpctl/shared/kinds/projects.ts";
import { servers } from "@mcpctl/shared/kinds/servers.ts";
import { built, type Running, start } from "../../tests/support/programs.ts";
import { addressOf } from "./program.ts";

export const PASSWORD = "correct horse battery staple";

export interface ServerManifest {
  name: string;
  spec: { url: string } | { command: string; args: string[]; startTimeoutSeconds?: number };
}

/** Control plane and gateway of the built programs, each a process of its own, on an empty embedded database. */
export interface Stack extends AsyncDisposable {
  api: ApiClient;
  mcpdUrl: string;
  mcpdPid: number;
  /** Declares servers and a project of the same name that has them all. @returns a token of the project. */
  declare(project: string, declared: readonly ServerManifest[]): Promise<string>;
  /** @param env - further variables, such as NODE_OPTIONS to profile it. */
  startGateway(env?: Record<string, string>): Promise<StartedGateway>;
}

export interface StartedGateway extends AsyncDisposable {
  port: number;
  pid: number;
}

export async function startStack(): Promise<Stack> {
  await using cleanup = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), "mcpctl-bench-"));
  cleanup.defer(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  const mcpd = cleanup.use(startMcpd(join(dir, "data")));
  const mcpdUrl = await addressOf(mcpd);
  const { api, session } = await logIn(mcpdUrl);
  const running = cleanup.move();
  return {
    api,
    mcpdUrl,
    mcpdPid: mcpd.pid,
    declare: (project, declared) => declare(api, project, declared),
    startGateway: (env) =>
      startGateway(mcpdUrl, { MCPLOCAL_CREDENTIAL: session, MCPLOCAL_AUDIT_DIR: join(dir, "audit"), ...env }),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function startMcpd(dataDir: string): Running {
  const args = ["--listen", "127.0.0.1:0", "--data-dir", dataDir, "--log-level", "warn"];
  return start(built("mcpd"), args, { MCPD_ADMIN_PASSWORD: PASSWORD });
}

/** The gateway has an identity of its own, as one in a cluster does, so that it reaches remote servers by itself. */
async function startGateway(mcpdUrl: string, env: Record<string, string>): Promise<StartedGateway> {
  const args = ["--listen", "127.0.0.1:0", "--mcpd-url", mcpdUrl, "--log-level", "warn"];
  const gateway = start(built("mcplocal-serve"), args, env);
  const { port } = new URL(await addressOf(gateway));
  return { port: Number(port), pid: gateway.pid, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

export async function logIn(baseUrl: string): Promise<{ api: ApiClient; session: string }> {
  const { token: session } = await createApiClient({ baseUrl }).login("admin", PASSWORD);
  return { api: createApiClient({ baseUrl, token: session }), session };
}

/** Declares servers and a project that has them all. @returns a token of the project. */
export async function declare(api: ApiClient, project: string, declared: readonly ServerManifest[]): Promise<string> {
  for (const { name, spec } of declared) {
    const manifest = { kind: "Server", metadata: { name }, spec };
    await api.apply(servers, manifest, { fieldManager: "bench" });
  }
  const names = declared.map(({ name }) => name);
  const manifest = { kind: "Project", metadata: { name: project }, spec: { servers: names } };
  await api.apply(projects, manifest, { fieldManager: "bench" });
  const wanted = { kind: "McpToken", metadata: { name: "bench", project }, spec: {} };
  const { token } = await api.createMcpToken(wanted);
  return token;
}
