import { RPC } from "@mcpctl/shared/mcp/protocol.ts";
import { type Check, firstBad, ok, skip, violated } from "../check.ts";
import type { Peer } from "../endpoint.ts";
import { describeAnswer, findErrorCode, findResponse } from "../rpc.ts";

const NOTHING = "mcpctl-test-none";
const NO_RESOURCE = "mcpctl-test://none";
/** What servers of the older revisions say of a resource that does not exist. */
const RESOURCE_NOT_FOUND = -32002;

/** How errors are said in every revision. */
export const ERROR_CHECKS: readonly Check<Peer>[] = [
  {
    id: "error-ids",
    title: "An error repeats the id of its request, number or string",
    severity: "error",
    reference: "JSON-RPC 2.0, section 5",
    run: ({ send }) =>
      firstBad(
        [4_711, "mcpctl-test-id"].map((id) => async () => {
          const answer = await send({ method: "mcpctl-test/no-such-method", id });
          const response = findResponse(answer);
          if (response?.["error"] === undefined) return skip(`got ${describeAnswer(answer)}`);
          const given = JSON.stringify(response["id"]);
          return given === JSON.stringify(id)
            ? ok()
            : violated(`the id of ${JSON.stringify(id)} came back as ${given}`);
        }),
      ),
  },
  {
    id: "unknown-tool",
    title: "A call of a tool that does not exist is refused with -32602",
    severity: "warning",
    reference: "MCP server/tools, Error Handling",
    async run({ send, capabilities }) {
      if (capabilities["tools"] === undefined) return skip("the server has no tools");
      const params = { name: NOTHING, arguments: {} };
      const answer = await send({ method: "tools/call", params, name: NOTHING });
      return findErrorCode(answer) === RPC.invalidParams ? ok() : violated(`got ${describeAnswer(answer)}`);
    },
  },
  {
    id: "unknown-prompt",
    title: "A prompt that does not exist is refused with -32602",
    severity: "warning",
    reference: "MCP server/prompts, Error Handling",
    async run({ send, capabilities }) {
      if (capabilities["prompts"] === undefined) return skip("the server has no prompts");
      const answer = await send({ method: "prompts/get", params: { name: NOTHING }, name: NOTHING });
      return findErrorCode(answer) === RPC.invalidParams ? ok() : violated(`got ${describeAnswer(answer)}`);
    },
  },
  {
    id: "unknown-resource",
    title: "A resource that does not exist is refused with -32602",
    severity: "error",
    reference: "MCP server/resources, Error Handling",
    async run({ send, capabilities, era }) {
      if (capabilities["resources"] === undefined) return skip("the server has no resources");
      const answer = await send({ method: "resources/read", params: { uri: NO_RESOURCE }, name: NO_RESOURCE });
      const code = findErrorCode(answer);
      const isRight = code === RPC.invalidParams || (era === "legacy" && code === RESOURCE_NOT_FOUND);
      if (isRight) return ok();
      return violated(`got ${describeAnswer(answer)}`, { severity: era === "legacy" ? "warning" : "error" });
    },
  },
];
