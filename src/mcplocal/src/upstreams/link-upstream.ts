import type { Socket } from "node:net";
import { splitRelayedMessage } from "@mcpctl/shared/mcp/relayed-message.ts";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import { dialLink, type LinkAddress } from "./dial-link.ts";
import { DialledUpstream, type LineConnection } from "./dialled-upstream.ts";

export interface LinkUpstreamOptions extends LinkAddress {
  timeoutSeconds: number;
  /** Makes the connection that is used instead, where there are no links. */
  openFallback(): Upstream;
}

/** A server that mcpd runs, over a link of lines to mcpd's relay. */
export function createLinkUpstream({ timeoutSeconds, openFallback, ...address }: LinkUpstreamOptions): Upstream {
  return new DialledUpstream({
    name: address.name,
    timeoutSeconds,
    isRelayed: true,
    split: splitRelayedMessage,
    what: "the link to mcpd",
    async dial() {
      const socket = await dialLink(address);
      return socket ? toConnection(socket) : { instead: openFallback() };
    },
  });
}

function toConnection(socket: Socket): LineConnection {
  return {
    sink: socket,
    onData: (take) => void socket.on("data", take).on("end", () => socket.destroy()),
    onClose: (listener) => void socket.on("close", listener),
    destroy: () => void socket.destroy(),
  };
}
