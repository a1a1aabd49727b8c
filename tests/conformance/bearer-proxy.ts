import { once } from "node:events";
import { createServer, request as dial } from "node:http";
import type { AddressInfo } from "node:net";
import type { Endpoint } from "./gateway.ts";

export interface BearerProxy extends AsyncDisposable {
  /** The endpoint, for those who send no token. */
  url: string;
}

/** Passes requests on with a bearer, since the suite cannot send one; everything else, `Host` included, stays as it is. */
export async function startBearerProxy({ url, token }: Endpoint): Promise<BearerProxy> {
  const { hostname, port, pathname } = new URL(url);
  const server = createServer((incoming, response) => {
    const headers = { ...incoming.headers, authorization: `Bearer ${token}` };
    const outgoing = dial({ hostname, port, path: pathname, method: incoming.method, headers }, (answer) => {
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
