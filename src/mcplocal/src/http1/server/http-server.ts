import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { KEEP_ALIVE_SECONDS } from "./response-head.ts";
import { type ConnectionOwner, type Phase, ServerConnection } from "./server-connection.ts";

/** Connections that come in one burst; the system may allow fewer. */
const BACKLOG = 4_096;

/** How long a connection may stay in a phase, in milliseconds. Looked at in intervals of `checkIntervalMs`. */
export interface HttpTimeouts {
  headersMs: number;
  bodyMs: number;
  checkIntervalMs: number;
  /** For a connection on which nothing happens at all. */
  silenceMs: number;
}

export interface HttpServerOptions extends Pick<ConnectionOwner, "onExchange" | "onUnreadable"> {
  onConnection(socket: Socket): void;
  timeouts: HttpTimeouts;
}

/**
 * A server of HTTP/1.1 and nothing else: no TLS, no upgrades, no compression. What it does is what an endpoint for
 * programs needs, done with little.
 */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #owner: ConnectionOwner & { isClosing: boolean };
  readonly #connections = new Set<ServerConnection>();
  readonly #server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
  readonly #limits: Record<Phase, number>;
  #checker: NodeJS.Timeout | undefined;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#owner = { isClosing: false, onExchange: options.onExchange, onUnreadable: options.onUnreadable };
    const { headersMs, bodyMs } = options.timeouts;
    this.#limits = {
      idle: KEEP_ALIVE_SECONDS * 1_000,
      head: headersMs,
      body: bodyMs,
      rest: bodyMs,
      answer: Infinity,
    };
  }

  /** @throws {McpctlError} `port-in-use` */
  async listen(host: string, port: number): Promise<AddressInfo> {
    this.#server.listen({ host, port, backlog: BACKLOG });
    try {
      await once(this.#server, "listening");
    } catch (cause) {
      throw new McpctlError("port-in-use", `Cannot listen on ${host}:${port}`, {
        hint: "Stop what listens there, or choose another address with --listen",
        cause,
      });
    }
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("a TCP server has an address");
    this.#checker = setInterval(() => this.#check(performance.now()), this.#options.timeouts.checkIntervalMs).unref();
    return address;
  }

  /** Stops accepting, and waits so long for answers that are under way. */
  async close(drainMs: number): Promise<void> {
    if (!this.#server.listening) return;
    this.#owner.isClosing = true;
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const connection of this.#connections) connection.endWhenIdle();
    const deadline = setTimeout(() => this.#destroyAll(), drainMs);
    await closed;
    clearTimeout(deadline);
    clearInterval(this.#checker);
  }

  #accept(socket: Socket): void {
    const connection = new ServerConnection(socket, this.#owner);
    this.#connections.add(connection);
    socket.setTimeout(this.#options.timeouts.silenceMs);
    socket.on("timeout", () => socket.destroy());
    socket.on("close", () => this.#connections.delete(connection));
    this.#options.onConnection(socket);
  }

  #check(now: number): void {
    for (const connection of this.#connections) {
      const { phase, milliseconds } = connection.look(now);
      if (milliseconds < this.#limits[phase]) continue;
      if (phase === "idle") connection.endWhenIdle();
      else connection.timeOut();
    }
  }

  #destroyAll(): void {
    for (const { socket } of this.#connections) socket.destroy();
  }
}
