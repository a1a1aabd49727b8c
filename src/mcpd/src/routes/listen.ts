import { McpctlError } from "@mcpctl/shared/errors.ts";

/** Connections that come in one burst; the system may allow fewer. */
const BACKLOG = 4_096;
/** What is asked of the framework. */
interface Listener {
  listen(options: { host: string; port: number; backlog: number }): Promise<string>;
}

/**
 * Begins to serve.
 *
 * @returns the base URL.
 * @throws {McpctlError} `port-in-use`
 */
export async function listen(app: Listener, { host, port }: { host: string; port: number }): Promise<string> {
  try {
    return await app.listen({ host, port, backlog: BACKLOG });
  } catch (cause) {
    if (!isAddressInUse(cause)) throw cause;
    throw new McpctlError("port-in-use", `${host}:${port} is in use by another program`, {
      hint: "Stop that program, or choose another address with --listen HOST:PORT",
      cause,
    });
  }
}

function isAddressInUse(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}
