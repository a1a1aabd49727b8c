import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { McpctlError } from "@mcpctl/shared/errors.ts";

const PATH = "/callback";
const PAGE = "mcpctl has the answer. Go back to the terminal; this window can be closed.\n";
const HEADERS = {
  "content-type": "text/plain; charset=utf-8",
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  connection: "close",
};

export interface CallbackListener extends AsyncDisposable {
  redirectUri: string;
  /** The query of the first redirect that carries the state; others are turned away. @throws when aborted. */
  wait(signal: AbortSignal): Promise<string>;
}

/** Listens on a free port of 127.0.0.1 for the redirect that ends a login in the browser. */
export async function listenForCallback(state: string): Promise<CallbackListener> {
  const arrived = Promise.withResolvers<string>();
  let authority = "";
  const server = createServer((request, response) => {
    const query = queryOf(request, { authority, state });
    answer(response, query);
    if (query !== undefined) arrived.resolve(query);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new McpctlError("internal", "No port was found");
  authority = `127.0.0.1:${address.port}`;
  return {
    redirectUri: `http://${authority}${PATH}`,
    async wait(signal) {
      const abort = () => arrived.reject(signal.reason);
      if (signal.aborted) abort();
      signal.addEventListener("abort", abort, { once: true });
      try {
        return await arrived.promise;
      } finally {
        signal.removeEventListener("abort", abort);
      }
    },
    async [Symbol.asyncDispose]() {
      server.close();
      // Browsers also open connections on which they never ask anything.
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** Any page in the browser can send requests here; without the state, which it cannot know, none ends the login. */
function queryOf(
  { method, url = "", headers }: IncomingMessage,
  expected: { authority: string; state: string },
): string | undefined {
  const target = new URL(url, `http://${expected.authority}`);
  const isOurs = method === "GET" && target.pathname === PATH && headers.host === expected.authority;
  const states = target.searchParams.getAll("state");
  return isOurs && states.length === 1 && states[0] === expected.state ? target.search.slice(1) : undefined;
}

function answer(response: ServerResponse, query: string | undefined): void {
  if (query === undefined) response.writeHead(404, HEADERS).end("Not found\n");
  else response.writeHead(200, HEADERS).end(PAGE);
}
