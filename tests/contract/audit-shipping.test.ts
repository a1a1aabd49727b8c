import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { openAuditLog } from "../../src/mcplocal/src/audit/audit-log.ts";
import { createCallLines } from "../../src/mcplocal/src/audit/call-line.ts";
import { startCallShipper } from "../../src/mcplocal/src/audit/call-shipper.ts";
import { createCallSender } from "../../src/mcplocal/src/control-plane/http-call-sender.ts";
import { createDispatcher } from "../../src/mcplocal/src/upstreams/dispatcher.ts";
import { type Body, startRest } from "../support/rest.ts";

/** Stands before mcpd and cuts so many connections at the moment when the answer comes: stored, and not acknowledged. */
async function startCuttingProxy(target: string, cuts: number) {
  let left = cuts;
  const { port } = new URL(target);
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    const mcpd = connect(Number(port), "127.0.0.1");
    for (const socket of [client, mcpd]) sockets.add(socket.on("error", () => socket.destroy()));
    client.on("close", () => mcpd.destroy()).pipe(mcpd);
    mcpd.on("close", () => client.destroy());
    mcpd.on("data", (bytes) => {
      if (left > 0) client.destroy();
      else client.write(bytes);
      left -= 1;
    });
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, cutsLeft: () => Math.max(0, left) };
}

it("stores each call once when answers of mcpd are lost after it has stored", async () => {
  await using rest = await startRest(undefined);
  const proxy = await startCuttingProxy(rest.url, 3);
  const directory = await mkdtemp(join(tmpdir(), "mcplocal-shipping-"));
  const dispatcher = createDispatcher();
  onTestFinished(async () => {
    await dispatcher.destroy();
    await rm(directory, { recursive: true, force: true });
  });
  const log = await openAuditLog({ directory, epochMs: Date.now, maxSpoolBytes: 1_000_000, onFailed: () => {} });
  const toLine = createCallLines(Date.now);
  const principal = { name: "agent", sha: "ab".repeat(32), creator: "ada", project: "demo" };
  const call = {
    server: "files",
    outcome: "ok",
    code: undefined,
    durationMs: 1.5,
    requestBytes: 2,
    replyBytes: 3,
  } as const;
  const tools = Array.from({ length: 250 }, (_, at) => `tool-${at}`);
  for (const tool of tools) log.append(toLine({ ...call, principal, tool }));
  await log.close();
  const silent = { error: () => {}, warn: () => {}, info: () => {} };
  const send = createCallSender({ mcpdUrl: proxy.url, credential: rest.admin, dispatcher });
  const shipper = startCallShipper({ directory, maxSpoolBytes: 1_000_000, send, log: silent, idleMs: 20, retryMs: 20 });
  await vi.waitFor(() => expect(proxy.cutsLeft()).toBe(0), 10_000);
  await shipper.close();
  const { body } = await rest.send("GET", "/api/v1/audit?token=agent&limit=500");
  expect((body["items"] as Body[]).map(({ tool }) => tool as string).toReversed()).toEqual(tools);
});

it("says why mcpd does not take them", async () => {
  await using rest = await startRest(undefined);
  const dispatcher = createDispatcher();
  onTestFinished(() => dispatcher.destroy());
  const sendTo = (mcpdUrl: string, credential: string) =>
    createCallSender({ mcpdUrl, credential, dispatcher })(Buffer.from('{"events":[]}'));
  expect(await sendTo(rest.url, rest.admin)).toEqual({ stored: 0, duplicates: 0, rejected: [] });
  await expect(sendTo(rest.url, "nobody")).rejects.toMatchObject({ code: "unauthenticated" });
  const send = createCallSender({ mcpdUrl: rest.url, credential: rest.admin, dispatcher });
  await expect(send(Buffer.from("{"))).rejects.toMatchObject({ code: "bad-request" });
});

it("names the person where there is no token", async () => {
  await using rest = await startRest(undefined);
  const dispatcher = createDispatcher();
  onTestFinished(() => dispatcher.destroy());
  const send = createCallSender({ mcpdUrl: rest.url, credential: rest.admin, dispatcher });
  const line = createCallLines(Date.now)({
    principal: { name: "", sha: "", creator: "ada", project: "demo" },
    server: "files",
    tool: "read",
    outcome: "ok",
    code: undefined,
    durationMs: 1,
    requestBytes: 2,
    replyBytes: 3,
  });
  expect(await send(Buffer.from(`{"events":[${line}]}`))).toMatchObject({ stored: 1 });
  const { body } = await rest.send("GET", "/api/v1/audit?user=ada&verb=tools/call");
  const [row] = body["items"] as Body[];
  expect(row).toMatchObject({ principal: "User:ada", user: "ada", project: "demo", decidedBy: "the project" });
  expect(row).not.toHaveProperty("tokenName");
});
