import {
  API,
  type DiscoveredServer,
  discovery,
  type Discovery,
  introspection,
  type Introspection,
} from "@mcpctl/shared/api/contracts.ts";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import { toHeaderBlock } from "../http1/header-block.ts";
import { createTarget, sendHttp } from "../upstreams/http-exchange.ts";
import { createRemoteUpstream } from "../upstreams/remote-upstream.ts";
import { createLinkUpstream } from "../upstreams/link-upstream.ts";
import { bearerHeader, createAskMcpd, fetchText, type McpdAddress } from "./ask-mcpd.ts";
import type { ControlPlane } from "./control-plane.ts";
import { problemOf } from "./mcpd-answers.ts";

/** The control plane as mcpd serves it over HTTP. */
export function createHttpControlPlane({ mcpdUrl, dispatcher }: McpdAddress): ControlPlane {
  const ask = createAskMcpd({ mcpdUrl, dispatcher });

  return {
    introspect: (bearer): Promise<Introspection> => ask(API.introspect, introspection, bearer),
    discover: (project, bearer): Promise<Discovery> => ask(API.discovery(project), discovery, bearer),
    ping: async () => void (await fetchText({ mcpdUrl, dispatcher }, API.readiness, undefined)),
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
