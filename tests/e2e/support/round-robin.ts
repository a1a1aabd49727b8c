import { once } from "node:events";
import { createServer, request as dial } from "node:http";
import type { AddressInfo } from "node:net";

export interface RoundRobin extends AsyncDisposable {
  url: string;
  /** How many requests each of them got. */
  readonly counts: readonly number[];
}

/** A proxy that gives each request to the next of several gateways, as a load balancer without affinity does. */
export async function startRoundRobin(origins: readonly string[]): Promise<RoundRobin> {
  const counts = origins.map(() => 0);
  let turn = 0;
  const server = createServer((incoming, response) => {
    const at = turn++ % origins.length;
    counts[at] = (counts[at] ?? 0) + 1;
    const { hostname, port, host } = new URL(origins[at] ?? "");
    const headers = { ...incoming.headers, host };
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
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
