import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createHttpControlPlane } from "../../src/mcplocal/src/control-plane/http-control-plane.ts";
import { createDispatcher } from "../../src/mcplocal/src/upstreams/dispatcher.ts";
import { type Rest, startRest } from "../support/rest.ts";

let rest: Rest;
const dispatcher = createDispatcher();
beforeAll(async () => {
  rest = await startRest(undefined);
});
afterAll(async () => {
  await dispatcher.destroy();
  await rest?.[Symbol.asyncDispose]();
});

const project = (name: string) => ({ kind: "Project", metadata: { name }, spec: {} });

async function mint(name: string): Promise<string> {
  const manifest = { kind: "McpToken", metadata: { name, project: "p" }, spec: {} };
  return String((await rest.send("POST", "/api/v1/mcptokens", manifest)).body["token"]);
}

/** Follows changes as a gateway does. @returns what was heard, and how it ended. */
function follow(bearer: string) {
  const ending = new AbortController();
  let heard = 0;
  const ended = createHttpControlPlane({ mcpdUrl: rest.url, dispatcher })
    .followIdentity(bearer, () => (heard += 1), ending.signal)
    .then(() => "ended")
    .catch((thrown: unknown) => (ending.signal.aborted ? "aborted" : (thrown as { code: string }).code));
  return { heard: () => heard, ended, stop: () => ending.abort() };
}

it("whoever follows changes of rights hears of each", async () => {
  await rest.send("POST", "/api/v1/projects", project("p"));
  const following = follow(await mint("follower"));
  await vi.waitFor(() => expect(following.heard()).toBeGreaterThan(0));
  for (const change of [() => mint("t"), () => rest.send("POST", "/api/v1/mcptokens/t/revoke?project=p")]) {
    // What happened before may be told late; what happens now must be told.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const before = following.heard();
    await change();
    await vi.waitFor(() => expect(following.heard()).toBeGreaterThan(before));
  }
  following.stop();
  expect(await following.ended).toBe("aborted");
});

it("changes are followed no longer by a token that has been revoked, and not at all by one that is none", async () => {
  const following = follow(await mint("loser"));
  await vi.waitFor(() => expect(following.heard()).toBeGreaterThan(0));
  await rest.send("POST", "/api/v1/mcptokens/loser/revoke?project=p");
  expect(await following.ended).toBe("ended");
  expect(await follow("mcpctl_pat_nonsense").ended).toBe("unauthenticated");
});
