import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";

/** The protocol that a request wants to switch to, when it asks for exactly one. */
export function upgradeOf({ headers }: IncomingMessage): string | undefined {
  return headers.upgrade?.trim().toLowerCase();
}

/** Headers that speak of the upgrade. */
const OF_UPGRADE = new Set(["upgrade", "http2-settings"]);

/**
 * Gives a connection back to the server, with the request that it began with, as if no upgrade had been asked for. Node
 * before 24.9 takes every request with an Upgrade header out of HTTP as soon as one protocol is served, and some clients
 * offer HTTP/2 with every request that they send.
 *
 * @see RFC 9110, section 7.8: a server may ignore the header.
 */
export function handBack(server: Server, request: IncomingMessage, { socket, head }: { socket: Duplex; head: Buffer }) {
  const { method = "GET", url = "/", httpVersion, rawHeaders } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = [rawHeaders[at], rawHeaders[at + 1]];
    if (OF_UPGRADE.has(name.toLowerCase())) continue;
    lines.push(`${name}: ${name.toLowerCase() === "connection" ? withoutUpgrade(value) : value}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), head]));
  server.emit("connection", socket);
}

function withoutUpgrade(connection: string): string {
  const tokens = connection.split(",").map((token) => token.trim());
  return tokens.filter((token) => !OF_UPGRADE.has(token.toLowerCase())).join(", ");
}
