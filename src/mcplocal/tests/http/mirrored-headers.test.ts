import { describe, expect, it } from "vitest";
import { text, tool } from "../../../../tests/fixtures/http-fixture-tools.ts";
import { startLegacyServer } from "../../../../tests/fixtures/http-legacy-server.ts";
import { startModernServer } from "../../../../tests/fixtures/http-modern-server.ts";
import { startRig, started } from "../support/gateway-rig.ts";
import { modern, send } from "../support/wire.ts";

const inputSchema = { type: "object", properties: { region: { type: "string", "x-mcp-header": "Region" } } };
const TOOLS = [
  tool("look", ({ args, headers }) => text(`${String(args["region"])} ${String(headers["mcp-param-region"])}`), {
    inputSchema,
  }),
];
const START = { legacy: startLegacyServer, modern: startModernServer };

describe.each(["files__look", "look"])("an argument of %s that stands in a header as well", (name) => {
  async function ask(era: keyof typeof START, header: string | undefined) {
    const rig = await startRig({ servers: { files: await started(START[era]({ tools: TOOLS })) } });
    const request = modern("tools/call", { name, arguments: { region: "north" } });
    const headers = { ...request.headers, ...(header !== undefined && { "mcp-param-region": header }) };
    return await send(rig.url, { ...request, headers, token: rig.token });
  }

  it.each([undefined, "south", "=?base64?c291dGg=?="])(
    "is refused before anything else is known of the server, when the header is %s",
    async (header) => {
      const { status, json } = await ask("modern", header);
      expect({ status, code: json.error?.code }).toEqual({ status: 400, code: -32020 });
    },
  );

  it("is passed on in both places to a stateless server, and as an argument alone to another", async () => {
    expect((await ask("modern", "north")).json.result.content[0].text).toBe("north north");
    expect((await ask("legacy", "north")).json.result.content[0].text).toBe("north undefined");
  });
});
