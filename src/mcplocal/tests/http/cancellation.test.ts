import { request } from "node:http";
import { describe, expect, it, vi } from "vitest";
import { startLegacyServer } from "../../../../tests/fixtures/http-legacy-server.ts";
import { startModernServer } from "../../../../tests/fixtures/http-modern-server.ts";
import { startRig, type Rig, started } from "../support/gateway-rig.ts";
import { legacy, modern, notification, openSession, send, type WireRequest } from "../support/wire.ts";

const START = { legacy: startLegacyServer, modern: startModernServer };
const SLOW_CALL = { name: "files__wait", arguments: { ms: 3_000 } };

/** Sends a request and breaks the connection off. @returns a function that does so. */
function sendAndLeave(rig: Rig, { headers, body }: WireRequest): () => void {
  const outgoing = request(new URL("/mcp", rig.url), {
    method: "POST",
    headers: { authorization: `Bearer ${rig.token}`, "content-type": "application/json", ...headers },
  });
  outgoing.on("error", () => {});
  outgoing.end(JSON.stringify(body));
  return () => outgoing.destroy();
}

describe.each(["legacy", "modern"] as const)("a call of a %s server", (era) => {
  it("is cancelled there when a stateless client closes the connection", async () => {
    const server = await started(START[era]());
    const rig = await startRig({ servers: { files: server } });
    const leave = sendAndLeave(rig, modern("tools/call", SLOW_CALL));
    await vi.waitFor(() => expect(server.requests("tools/call")).toHaveLength(1));
    leave();
    const id = server.requests("tools/call")[0]?.body["id"];
    await vi.waitFor(() => expect(server.cancelled).toContain(id));
    await vi.waitFor(() =>
      expect(rig.records).toMatchObject([{ outcome: "cancelled", server: "files", tool: "wait" }]),
    );
  });

  it("goes on when a client with a session loses its connection", async () => {
    const server = await started(START[era]());
    const rig = await startRig({ servers: { files: server } });
    const session = await openSession(rig.url, rig.token);
    const call = { name: "files__wait", arguments: { ms: 200 } };
    const leave = sendAndLeave(rig, legacy(session, "tools/call", call));
    await vi.waitFor(() => expect(server.requests("tools/call")).toHaveLength(1));
    leave();
    await vi.waitFor(() => expect(rig.records).toMatchObject([{ outcome: "ok" }]));
    expect(server.cancelled).toEqual([]);
  });

  it("is cancelled there when a client with a session says so", async () => {
    const server = await started(START[era]());
    const rig = await startRig({ servers: { files: server } });
    const session = await openSession(rig.url, rig.token);
    const answer = send(rig.url, { ...legacy(session, "tools/call", SLOW_CALL, "mine"), token: rig.token });
    await vi.waitFor(() => expect(server.requests("tools/call")).toHaveLength(1));
    const cancel = { requestId: "mine", reason: "changed my mind" };
    await send(rig.url, { ...notification(session, "notifications/cancelled", cancel), token: rig.token });
    expect((await answer).json).toMatchObject({ id: "mine", error: { message: "Request cancelled" } });
    const id = server.requests("tools/call")[0]?.body["id"];
    await vi.waitFor(() => expect(server.cancelled).toContain(id));
  });

  it("is not cancelled by another session, whatever id it names", async () => {
    const server = await started(START[era]());
    const rig = await startRig({ servers: { files: server } });
    const [mine, other] = [await openSession(rig.url, rig.token), await openSession(rig.url, rig.token)];
    const call = { name: "files__wait", arguments: { ms: 200 } };
    const answer = send(rig.url, { ...legacy(mine, "tools/call", call, 7), token: rig.token });
    await vi.waitFor(() => expect(server.requests("tools/call")).toHaveLength(1));
    await send(rig.url, { ...notification(other, "notifications/cancelled", { requestId: 7 }), token: rig.token });
    expect((await answer).json.result.content).toEqual([{ type: "text", text: "waited" }]);
  });

  it("is cancelled there when it takes too long", async () => {
    const server = await started(START[era]());
    const rig = await startRig();
    rig.controlPlane.setProject("demo", [{ name: "files", url: server.url, timeoutSeconds: 1 }]);
    const { json } = await send(rig.url, { ...modern("tools/call", SLOW_CALL), token: rig.token });
    expect(json.error).toMatchObject({ code: -32603, data: { code: "upstream-timeout", hint: expect.any(String) } });
    await vi.waitFor(() => expect(server.cancelled).toContain(server.requests("tools/call")[0]?.body["id"]));
  });
});
