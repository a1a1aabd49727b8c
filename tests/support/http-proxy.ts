import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, request as dial } from "node:http";
import type { AddressInfo } from "node:net";

export interface HttpProxy extends AsyncDisposable {
  /** The endpoint behind the proxy. */
  url: string;
}

/**
 * Passes requests on with the headers that `headersOf` makes of theirs; everything else, `Host` included, stays as it is.
 */
export async function startHttpProxy(
  target: string,
  headersOf: (headers: IncomingHttpHeaders) => IncomingHttpHeaders,
  /** Where each request goes; to the target when absent. */
  next: () => string = () => target,
): Promise<HttpProxy> {
  const { pathname } = new URL(target);
  const server = createServer((incoming, response) => {
    const { hostname, port } = new URL(next());
    const headers = headersOf(incoming.headers);
    const outgoing = dial({ hostname, port, path: incoming.url, method: incoming.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      answer.on("error", () => response.destroy()).pipe(response);
    });
    outgoing.on("error", () => response.destroy());
    response.on("close", () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
