import { type ApiClient, createApiClient } from "../../src/shared/src/api/client.ts";
import { projects } from "../../src/shared/src/kinds/projects.ts";
import { servers } from "../../src/shared/src/kinds/servers.ts";
import { mcpTokens } from "../../src/shared/src/kinds/mcp-tokens.ts";
import { toManifest } from "../../src/cli/src/create-object.ts";
import { startStack } from "../e2e/support/stack.ts";

/** An MCP endpoint and the bearer that it takes. */
export interface Endpoint {
  url: string;
  token: string;
}

export interface RunningGateway extends AsyncDisposable {
  /** Puts a server behind an endpoint of its own, with the names that the server gave to what it offers. */
  expose(name: string, serverUrl: string): Promise<Endpoint>;
  /** Takes the endpoint away again, and lets go of the server. */
  withdraw(name: string): Promise<void>;
}

/** Starts the built control plane and gateway. */
export async function startGateway(): Promise<RunningGateway> {
  const stack = await startStack();
  const api = createApiClient({ baseUrl: stack.up.api, token: stack.up.session });
  return {
    async expose(name, serverUrl) {
      const url = new URL(`/projects/${name}/mcp`, stack.up.gateway).href;
      return { url, token: await createProject(api, name, serverUrl) };
    },
    async withdraw(name) {
      await api.delete(projects, { name });
      await api.delete(servers, { name });
    },
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
}

/** @returns a token of the project. */
async function createProject(api: ApiClient, name: string, url: string): Promise<string> {
  await api.create(servers, toManifest({ kind: servers, name, spec: { url } }));
  const spec = { servers: [name], naming: "transparent" };
  await api.create(projects, toManifest({ kind: projects, name, spec }));
  const { token } = await api.createMcpToken(toManifest({ kind: mcpTokens, name, project: name, spec: { ttl: "1h" } }));
  return token;
}
