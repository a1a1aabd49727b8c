import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect, it, onTestFinished } from "vitest";
import { handBack } from "../../src/routes/upgrade.ts";

/** A server that is given every upgrade that is asked for, as by Node before 24.9, and gives all of them back. */
async function send(request: string): Promise<string> {
  const server = createServer((incoming, response) => {
    void text(incoming).then((body) => {
      const { method, url, headers } = incoming;
      response.end(JSON.stringify({ method, url, body, upgrade: headers.upgrade, connection: headers.connection }));
    });
  });
  server.on("upgrade", (incoming, socket, head) => handBack(server, incoming, { socket, head }));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.write(request);
  let heard = "";
  for await (const chunk of socket) {
    heard += String(chunk);
    if (heard.trimEnd().endsWith("}")) break;
  }
  return heard.slice(heard.indexOf("{"), heard.lastIndexOf("}") + 1);
}

it("answers a request that offers HTTP/2 as one that does not, its body included", async () => {
  const offer = "Connection: keep-alive, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n";
  const answer = await send(`POST /x?y=1 HTTP/1.1\r\nHost: h\r\n${offer}Content-Length: 5\r\n\r\nhello`);
  expect(JSON.parse(answer)).toEqual({ method: "POST", url: "/x?y=1", body: "hello", connection: "keep-alive" });
});
