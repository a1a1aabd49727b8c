import { request, type IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, vi } from "vitest";
import { startRig, type Rig } from "../support/gateway-rig.ts";
import { modern, openSession, send } from "../support/wire.ts";

const statusOf = async (rig: Rig) => (await send(rig.url, { ...modern("tools/list"), token: rig.token })).status;

/** Opens the stream of a session. @returns whether it has ended. */
async function openStream(rig: Rig): Promise<() => boolean> {
  const session = await openSession(rig.url, rig.token);
  const headers = { authorization: `Bearer ${rig.token}`, accept: "text/event-stream", "mcp-session-id": session };
  const outgoing = request(new URL("/mcp", rig.url), { headers, agent: false }).end();
  const incoming = await new Promise<IncomingMessage>((resolve) => outgoing.on("response", resolve));
  let isEnded = false;
  incoming.resume().on("end", () => (isEnded = true));
  return () => isEnded;
}

/** Waits until the gateway follows changes, which it does with a token that it knows. */
async function followed(rig: Rig): Promise<void> {
  expect(await statusOf(rig)).toBe(200);
  const before = rig.controlPlane.introspected.length;
  await vi.waitFor(
    async () => {
      rig.controlPlane.announceChange();
      await statusOf(rig);
      expect(rig.controlPlane.introspected.length).toBeGreaterThan(before);
    },
    { timeout: 5_000 },
  );
}

it("a token that is revoked is refused at the next request, and its streams end", async () => {
  const rig = await startRig();
  await followed(rig);
  const isEnded = await openStream(rig);
  rig.controlPlane.revoke(rig.token);
  rig.controlPlane.announceChange();
  expect(await statusOf(rig)).toBe(401);
  await vi.waitFor(() => expect(isEnded()).toBe(true));
});

it("a token that is revoked is refused within seconds when nobody tells, and its streams end", async () => {
  const rig = await startRig();
  await statusOf(rig);
  const isEnded = await openStream(rig);
  rig.controlPlane.revoke(rig.token);
  const startedAt = performance.now();
  while ((await statusOf(rig)) !== 401) await sleep(50);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  await vi.waitFor(() => expect(isEnded()).toBe(true));
});
