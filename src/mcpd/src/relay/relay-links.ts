import type { Duplex } from "node:stream";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import type { Principal } from "@mcpctl/shared/rbac/principal.ts";
import type { Access } from "./live-access.ts";
import { type LinkLimits, RelayLink } from "./relay-link.ts";

export interface RelayLinksDeps {
  openUpstream(server: string): Upstream;
  /** Calls back after every commit. @returns what ends it. */
  onCommit(listener: () => void): () => void;
  /** Monotonic milliseconds. */
  now?(): number;
  limits?: Partial<LinkLimits> & { maxLinksPerPrincipal?: number };
}

export interface LinkRequest {
  principal: Principal;
  granted: Access;
  /** Admits the caller anew and reads server and policy anew. @throws {McpctlError} */
  authorize(): Promise<Access>;
  /** Ends the link. */
  signal: AbortSignal;
}

/** All links of gateways to this mcpd. */
export interface RelayLinks extends Disposable {
  /** @returns what takes the socket over. @throws {McpctlError} `too-many-requests` */
  accept(request: LinkRequest): (socket: Duplex) => void;
}

const MIB = 1024 * 1024;
const LIMITS: LinkLimits = {
  maxLineBytes: 10 * MIB,
  maxCalls: 1_024,
  pauseBytes: MIB,
  maxUnsentBytes: 64 * MIB,
  stallMs: 30_000,
  // Longer than a gateway keeps a connection that nobody uses.
  idleMs: 15 * 60_000,
};
const MAX_LINKS_PER_PRINCIPAL = 256;
const TICK_MS = 1_000;

export function createRelayLinks(deps: RelayLinksDeps): RelayLinks {
  const { openUpstream, onCommit, now = () => performance.now() } = deps;
  const { maxLinksPerPrincipal = MAX_LINKS_PER_PRINCIPAL, ...limits } = { ...LIMITS, ...deps.limits };
  const links = new Set<RelayLink>();
  const counts = new Map<string, number>();
  const forget = onCommit(() => {
    for (const link of links) link.expire();
  });
  const ticker = setInterval(() => {
    for (const link of links) link.tick();
  }, TICK_MS).unref();

  function count(key: string, by: number): void {
    const left = (counts.get(key) ?? 0) + by;
    if (left === 0) counts.delete(key);
    else counts.set(key, left);
  }

  function start(socket: Duplex, { principal, granted, authorize, signal }: LinkRequest): void {
    const key = keyOf(principal);
    const stop = (): void => link.end(stopping());
    const onEnd = (): void => {
      links.delete(link);
      count(key, -1);
      signal.removeEventListener("abort", stop);
    };
    const upstream = openUpstream(granted.server.metadata.name);
    const link: RelayLink = new RelayLink({ socket, upstream, granted, authorize, limits, now, onEnd });
    links.add(link);
    count(key, 1);
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
  }

  return {
    accept(request) {
      if ((counts.get(keyOf(request.principal)) ?? 0) >= maxLinksPerPrincipal) throw tooManyLinks();
      return (socket) => start(socket, request);
    },
    [Symbol.dispose]() {
      forget();
      clearInterval(ticker);
      for (const link of links) link.end(stopping());
    },
  };
}

function keyOf(principal: Principal): string {
  return principal.kind === "McpToken" ? principal.sha : `${principal.kind}/${principal.name}`;
}

function tooManyLinks(): McpctlError {
  return new McpctlError("too-many-requests", "Too many links are open under this credential", {
    hint: "Close some of them, or use another token",
  });
}

function stopping(): McpctlError {
  return new McpctlError("unavailable", "mcpd is stopping", { hint: "Try again in a moment" });
}
