import type { Mcpd } from "@mcpctl/mcpd/mcpd.ts";
import type { ControlPlane } from "@mcpctl/mcplocal/control-plane/control-plane.ts";

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
    followIdentity: (_bearer, onChange, signal) =>
      new Promise((resolve) => {
        const stop = inProcess.onIdentityChange(onChange);
        signal.addEventListener("abort", () => {
          stop();
          resolve();
        });
      }),
    // It is this very process that would have to answer.
    ping: async () => {},
    openUpstream: (server, as) =>
      server.isRelay ? inProcess.openUpstream(server.name) : remote.openUpstream(server, as),
  };
}
