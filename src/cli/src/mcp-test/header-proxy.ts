import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from "node:http";
import type { ServerResponse } from "node:http";
import { request as httpsRequest } from "node:https";
import { pipeline } from "node:stream/promises";
import type { HeaderFields } from "./wire-exchange.ts";

/** Fields that speak of one connection and not of the message. */
const HOP_BY_HOP = new Set(["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding"]);

/** A proxy of this machine, for programs that cannot send a credential themselves. */
export interface HeaderProxy extends AsyncDisposable {
  /** Stands for the endpoint. */
  url: string;
}

/** Passes every request on to the endpoint, with these headers; only this machine reaches it. */
export async function startHeaderProxy(endpoint: URL, added: HeaderFields): Promise<HeaderProxy> {
  let own = "";
  const server = createServer((request, response) => {
    passOn({ request, response, endpoint, headers: { ...hopped(request.headers, own, endpoint), ...added } });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  own = `127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
  return {
    url: `http://${own}${endpoint.pathname}${endpoint.search}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** A host or origin that the client made up goes through as it is: whether it is refused is what is tested. */
function hopped(headers: IncomingHttpHeaders, own: string, endpoint: URL): IncomingHttpHeaders {
  const kept = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name));
  const fields: IncomingHttpHeaders = Object.fromEntries(kept);
  if (fields.host === own) fields.host = endpoint.host;
  if (fields.origin === `http://${own}`) fields.origin = endpoint.origin;
  return fields;
}

interface Passage {
  request: IncomingMessage;
  response: ServerResponse;
  endpoint: URL;
  headers: IncomingHttpHeaders;
}

function passOn({ request, response, endpoint, headers }: Passage): void {
  const dial = endpoint.protocol === "https:" ? httpsRequest : httpRequest;
  const outgoing = dial(endpoint, { method: request.method, headers, agent: false });
  outgoing.on("error", () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
  outgoing.once("response", (incoming) => {
    const kept = Object.entries(incoming.headers).filter(([name]) => !HOP_BY_HOP.has(name));
    response.writeHead(incoming.statusCode ?? 502, Object.fromEntries(kept)).flushHeaders();
    // Either side may hang up at any time; then the other one hears of it.
    pipeline(incoming, response).catch(() => outgoing.destroy());
  });
  response.once("close", () => outgoing.destroy());
  pipeline(request, outgoing).catch(() => outgoing.destroy());
}
