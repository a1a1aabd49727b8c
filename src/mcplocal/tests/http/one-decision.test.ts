import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { text, tool } from "../../../../tests/fixtures/http-fixture-tools.ts";
import { startModernServer } from "../../../../tests/fixtures/http-modern-server.ts";
import { startRig, type Rig, started } from "../support/gateway-rig.ts";
import { legacy, modern, openSession, send, type WireRequest } from "../support/wire.ts";

/** Headers by which somebody might hope to be judged otherwise. */
const HOPEFUL = fc.dictionary(
  fc.constantFrom(
    "x-forwarded-for",
    "x-mcp-tool",
    "x-http-method-override",
    "mcp-param-name",
    "last-event-id",
    "x-project",
  ),
  fc.constantFrom("files__open", "files__hidden", "admin", "127.0.0.1"),
  { maxKeys: 3 },
);
const NAMES = ["files__open", "files__hidden", "files__denied", "open", "hidden", "denied", "web__open", "nothing", ""];
const TOOLS = ["open", "hidden", "denied"].map((name) => tool(name, () => text(`it was ${name}`)));

describe("the decision about a call", () => {
  let rig: Rig;
  let session: string;
  beforeAll(async () => {
    const { url } = await started(startModernServer({ tools: TOOLS }));
    rig = await startRig();
    const servers = [{ name: "files", url, tools: { deny: ["hidden"] } }];
    rig.controlPlane.setProject("demo", servers, { tools: { deny: ["files__denied"] } });
    session = await openSession(rig.url, rig.token);
    await send(rig.url, { ...modern("tools/list"), token: rig.token });
  });

  async function outcomeOf(request: WireRequest, headers: Record<string, string>): Promise<unknown> {
    const all = { ...headers, ...request.headers };
    const { json } = await send(rig.url, { ...request, headers: all, token: rig.token });
    return json.error ? { code: json.error.code, message: json.error.message } : json.result.content;
  }

  it("depends on the body and on who asks, never on the era or on a header", async () => {
    const name = fc.oneof(fc.constantFrom(...NAMES), fc.stringMatching(/^[a-z_]{1,12}$/));
    await fc.assert(
      fc.asyncProperty(name, HOPEFUL, async (wanted, headers) => {
        const params = { name: wanted, arguments: {} };
        const plain = await outcomeOf(modern("tools/call", params), {});
        expect(await outcomeOf(modern("tools/call", params), headers)).toEqual(plain);
        expect(await outcomeOf(legacy(session, "tools/call", params), headers)).toEqual(plain);
        const isAllowed = wanted === "files__open" || wanted === "open";
        expect(plain).toEqual(
          isAllowed ? text("it was open")["content"] : { code: -32602, message: `Unknown tool: ${wanted}` },
        );
      }),
      { numRuns: 60, examples: NAMES.map((one) => [one, {}]) },
    );
  });
});
