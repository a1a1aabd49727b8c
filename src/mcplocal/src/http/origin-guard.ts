import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { ServerExchange } from "../http1/server/server-exchange.ts";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/;
const MAX_REMEMBERED = 64;

interface OriginGuardOptions {
  /** Host that the gateway listens on. */
  listenHost: string;
  /** Further values of `Host` to accept; without a port, any port is accepted. */
  allowedHosts: readonly string[];
  /** Further values of `Origin` to accept, such as `https://app.example.com`. */
  allowedOrigins: readonly string[];
}

/**
 * Refuses requests that a browser was tricked into making: their `Host` or `Origin` names the attacker's site. An
 * address can not be forged this way, so the one that a connection came in on is always accepted.
 *
 * @returns a check that throws `forbidden`.
 * @see MCP 2026-07-28, transports/streamable-http, "Security & Endpoint"
 */
export function createOriginGuard(
  options: OriginGuardOptions,
): (exchange: Pick<ServerExchange, "headers" | "socket">) => void {
  const listenHost = bracketed(options.listenHost.toLowerCase());
  const hosts = new Set(options.allowedHosts.map((host) => host.toLowerCase()));
  const origins = new Set(options.allowedOrigins.map((origin) => origin.toLowerCase()));
  const isLoopback = LOOPBACK.has(listenHost);
  const accepted = new Set<string>();

  function isKnownHost(header: string): boolean {
    const [, host] = HOST.exec(header) ?? [];
    if (host === undefined) return false;
    const isKnown = LOOPBACK.has(host) || host === listenHost || hosts.has(host) || hosts.has(header);
    if (isKnown && accepted.size < MAX_REMEMBERED) accepted.add(header);
    return isKnown;
  }

  function isKnownOrigin(origin: string): boolean {
    if (origins.has(origin)) return true;
    const [, host] = HOST.exec(origin.replace(/^https?:\/\//, "")) ?? [];
    return isLoopback && origin.startsWith("http") && host !== undefined && LOOPBACK.has(host);
  }

  return function checkOrigin({ headers, socket }) {
    const host = (headers.get("host") ?? "").toLowerCase();
    const isAddressed = accepted.has(host) || isKnownHost(host) || isOwnAddress(host, socket.localAddress);
    if (!isAddressed) throw refused("Host", "--allowed-hosts");
    const origin = headers.get("origin");
    if (origin !== undefined && !isKnownOrigin(origin.toLowerCase())) throw refused("Origin", "--allowed-origins");
  };
}

/** Whether the client wrote the very address that its connection has reached. */
function isOwnAddress(host: string, localAddress: string | undefined): boolean {
  if (localAddress === undefined) return false;
  const [, name] = HOST.exec(host) ?? [];
  return name === bracketed(localAddress.replace(/^::ffff:/, "").toLowerCase());
}

function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

function refused(header: string, option: string): McpctlError {
  return new McpctlError("forbidden", `The ${header} of this request is not one that the gateway serves`, {
    hint: `Add it to ${option} if it is yours`,
  });
}
