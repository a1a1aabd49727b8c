import { type Stack, startStack } from "../e2e/support/stack.ts";
import { type BearerProxy, startBearerProxy } from "./bearer-proxy.ts";
import type { UpstreamEra } from "./upstreams.ts";

/** A gateway whose endpoint answers without a token, for a suite that has none. */
export interface OpenGateway extends AsyncDisposable {
  stack: Stack;
  /** Puts one server behind an endpoint of its own, with the names that the server gave. @returns the endpoint. */
  expose(era: UpstreamEra, url: string): Promise<string>;
}

/** Starts the built control plane and gateway. */
export async function startGateway(): Promise<OpenGateway> {
  await using cleanup = new AsyncDisposableStack();
  const stack = cleanup.use(await startStack());
  const proxies: BearerProxy[] = [];
  cleanup.defer(async () => {
    for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
  });
  const running = cleanup.move();
  return {
    stack,
    async expose(era, url) {
      const name = `everything-${era}`;
      await succeed(stack, ["apply", "-f", "-"], manifests(name, url));
      const token = await succeed(stack, ["create", "mcptoken", name, "-p", name, "--ttl", "1h"]);
      const proxy = await startBearerProxy(new URL(`/projects/${name}/mcp`, stack.up.gateway).href, token.trim());
      proxies.push(proxy);
      return proxy.url;
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function manifests(name: string, url: string): string {
  return `apiVersion: mcpctl.io/v1
kind: Server
metadata: { name: ${name} }
spec: { url: ${JSON.stringify(url)} }
---
apiVersion: mcpctl.io/v1
kind: Project
metadata: { name: ${name} }
spec: { servers: [ ${name} ], naming: transparent }
`;
}

async function succeed(stack: Stack, args: string[], stdin?: string): Promise<string> {
  const { exitCode, stdout, stderr } = await stack.mcpctl(args, stdin === undefined ? {} : { stdin });
  if (exitCode !== 0) throw new Error(`mcpctl ${args.join(" ")} ended with ${exitCode}:\n${stderr}`);
  return stdout;
}
