import type { Mcpd } from "@mcpctl/mcpd/mcpd.ts";
import type { ControlPlane } from "@mcpctl/mcplocal/control-plane/control-plane.ts";
import type { DiscoveredServer } from "@mcpctl/shared/api/contracts.ts";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";

const GATEWAY = { kind: "System", name: "gateway" } as const;

/**
 * The control plane for a gateway in the same process: function calls where another gateway has HTTP, so that a call
 * to a stdio server costs no second hop.
 *
 * @param remote - reaches servers by their address, as any gateway does.
 */
export function createInProcessControlPlane(
  { inProcess }: Pick<Mcpd, "inProcess">,
  remote: ControlPlane,
): ControlPlane {
  return {
    introspect: (bearer) => inProcess.tokens.introspect(bearer),
    discover: (project) => inProcess.discover(project, GATEWAY),
    openUpstream: (server, bearer) =>
      server.isRelay ? shareUpstream(server, inProcess) : remote.openUpstream(server, bearer),
  };
}

/** A handle on the connection that mcpd keeps to its process; the process outlives every handle. */
function shareUpstream({ name }: DiscoveredServer, { getUpstream }: Mcpd["inProcess"]): Upstream {
  const endings = new Set<() => void>();
  return {
    connect: async (signal) => getUpstream(name).connect(signal),
    request: async (method, params, options) => getUpstream(name).request(method, params, options),
    onToolsChanged(listener) {
      const end = getUpstream(name).onToolsChanged(listener);
      endings.add(end);
      return () => {
        endings.delete(end);
        end();
      };
    },
    async close() {
      for (const end of endings) end();
      endings.clear();
    },
  };
}
