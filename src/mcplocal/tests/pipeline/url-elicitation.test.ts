import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import { describe, expect, it } from "vitest";
import { adaptReply } from "../../src/pipeline/adapt-reply.ts";
import { toAddresses } from "../../src/pipeline/url-elicitation.ts";

const ADDRESS = { mode: "url", elicitationId: "e1", url: "https://example.com/consent", message: "Allow it there" };

function refusal(elicitations: unknown): UpstreamReply {
  const error = { code: -32_042, message: "An address must be visited", data: { elicitations } };
  return { kind: "error", json: Buffer.from(JSON.stringify(error)) };
}

const parse = (reply: UpstreamReply | undefined): unknown => reply && JSON.parse(Buffer.from(reply.json).toString());

describe("a server that wants an address to be visited first", () => {
  it("has a stateless client show it, and send its request again", () => {
    expect(parse(toAddresses(refusal([ADDRESS]), { elicitation: { url: {} } }))).toEqual({
      resultType: "input_required",
      inputRequests: {
        "address-1": {
          method: "elicitation/create",
          params: { mode: "url", url: ADDRESS.url, message: ADDRESS.message },
        },
      },
      requestState: "mcpctl-visited",
    });
  });

  it.each([
    ["a client that shows no addresses", { elicitation: { form: {} } }, [ADDRESS]],
    ["a client that answers nothing", {}, [ADDRESS]],
    ["a refusal without addresses", { elicitation: { url: {} } }, []],
    ["a refusal that is malformed", { elicitation: { url: {} } }, [{ url: 7 }]],
  ])("says so by its error to %s", (_, capabilities, elicitations) => {
    expect(toAddresses(refusal(elicitations), capabilities)).toBeUndefined();
  });

  it("is understood by clients with sessions as it is, and by no other", () => {
    const reply = refusal([ADDRESS]);
    const hop = { method: "tools/call", subject: "the tool", upstreamEra: "legacy" } as const;
    expect(adaptReply(reply, { ...hop, clientEra: "legacy" })).toBe(reply);
    expect(() => adaptReply(reply, { ...hop, clientEra: "modern" })).toThrow("it refused the request");
  });
});
