import {
  API,
  type DiscoveredServer,
  discovery,
  type Discovery,
  introspection,
  type Introspection,
} from "@mcpctl/shared/api/contracts.ts";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import type * as z from "zod";
import type { Dispatcher } from "../upstreams/dispatcher.ts";
import { toHeaderBlock } from "../http1/header-block.ts";
import { createTarget, sendHttp } from "../upstreams/http-exchange.ts";
import { createRemoteUpstream } from "../upstreams/remote-upstream.ts";
import { createLinkUpstream } from "../upstreams/link-upstream.ts";
import type { ControlPlane } from "./control-plane.ts";
import { parseJson, problemOf, unusable } from "./mcpd-answers.ts";

const TIMEOUT_MS = 3_000;

interface HttpControlPlaneOptions {
  mcpdUrl: string;
  /** Keeps the connections to mcpd and to the servers; its owner closes it. */
  dispatcher: Dispatcher;
}

/** The control plane as mcpd serves it over HTTP. */
export function createHttpControlPlane({ mcpdUrl, dispatcher }: HttpControlPlaneOptions): ControlPlane {
  async function get<T>(path: string, schema: z.ZodType<T>, bearer: string | undefined): Promise<T> {
    const { status, body } = await fetchText(new URL(path, mcpdUrl), bearer, dispatcher);
    if (status !== 200) throw problemOf(status, body);
    const parsed = schema.safeParse(parseJson(body));
    if (!parsed.success) throw unusable(`its answer to ${path} has an unknown form`, parsed.error);
    return parsed.data;
  }

  return {
    introspect: (bearer): Promise<Introspection> => get(API.introspect, introspection, bearer),
    discover: (project, bearer): Promise<Discovery> => get(API.discovery(project), discovery, bearer),
    async ping() {
      const { status, body } = await fetchText(new URL(API.readiness, mcpdUrl), undefined, dispatcher);
      if (status !== 200) throw problemOf(status, body);
    },
    async followIdentity(bearer, onChange, signal) {
      const headers = toHeaderBlock({ ...bearerHeader(bearer), accept: "text/event-stream" });
      const url = new URL(API.identityChanges, mcpdUrl);
      const onMessage = (): boolean => {
        onChange();
        return false;
      };
      const call = { method: "GET", headers, signal, onMessage, onStream: onChange } as const;
      const { status, body } = await sendHttp(createTarget("mcpd", url, dispatcher), call);
      if (status !== 200) throw problemOf(status, body.toString("utf8"));
    },
    openUpstream(server, { bearer, capabilities }): Upstream {
      const url = new URL(server.url, mcpdUrl);
      const { name, timeoutSeconds, isRelay, hasLink } = server;
      const credential = relayCredential(server, url, bearer);
      const openHttp = () =>
        createRemoteUpstream({
          name,
          url,
          headers: { ...server.headers, ...credential },
          timeoutSeconds,
          dispatcher,
          capabilities,
        });
      if (!isRelay || !hasLink || url.origin !== new URL(mcpdUrl).origin) return openHttp();
      return createLinkUpstream({ name, url, headers: credential, timeoutSeconds, openFallback: openHttp });
    },
  };

  /** The token is a credential for mcpd alone, whatever a discovery says about an address elsewhere. */
  function relayCredential(server: DiscoveredServer, url: URL, bearer: string | undefined): Record<string, string> {
    if (!server.isRelay || bearer === undefined || url.origin !== new URL(mcpdUrl).origin) return {};
    return { authorization: `Bearer ${bearer}` };
  }
}

async function fetchText(
  url: URL,
  bearer: string | undefined,
  dispatcher: Dispatcher,
): Promise<{ status: number; body: string }> {
  const headers = { accept: "application/json", ...bearerHeader(bearer) };
  try {
    const call = { method: "GET", headers: toHeaderBlock(headers), timeoutMs: TIMEOUT_MS } as const;
    const { status, body } = await sendHttp(createTarget("mcpd", url, dispatcher), call);
    return { status, body: body.toString("utf8") };
  } catch (cause) {
    throw new McpctlError("unreachable", `mcpd does not answer at ${url.origin}`, {
      hint: "Check that mcpd runs there, and --mcpd-url of the gateway",
      cause,
    });
  }
}

function bearerHeader(bearer: string | undefined): Record<string, string> {
  return bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
}
