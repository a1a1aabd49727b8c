import type { Json } from "@mcpctl/shared/json.ts";
import { type Check, noneOf } from "../check.ts";
import { compileSchema } from "../compile-schema.ts";
import type { Peer } from "../endpoint.ts";
import { findParameterHeaders } from "../parameter-headers.ts";
import { isObject, type JsonObject } from "../rpc.ts";
import { judgeTools, labelOf } from "./list-checks.ts";

const TOOLS = "MCP server/tools, Tool";

function schemaFault(schema: Json | undefined): string | undefined {
  const compiled = compileSchema(schema);
  return "fault" in compiled ? compiled.fault : undefined;
}

/** Names each tool that has a fault, and what it is. */
function faultsOf(tools: readonly JsonObject[], faultOf: (tool: JsonObject) => string | undefined): string[] {
  return tools.flatMap((tool, at) => {
    const fault = faultOf(tool);
    return fault === undefined ? [] : [`${labelOf(tool, at)}: ${fault}`];
  });
}

/** What holds of the schemas of tools in every revision. */
export const SCHEMA_CHECKS: readonly Check<Peer>[] = [
  {
    id: "input-schemas",
    title: "Every inputSchema is a JSON Schema of an object",
    severity: "error",
    reference: TOOLS,
    run: (peer) =>
      judgeTools(peer, (tools) =>
        noneOf(
          faultsOf(tools, ({ inputSchema }) => {
            // A tool without one fails the check of its members.
            if (!isObject(inputSchema)) return undefined;
            return inputSchema["type"] === "object" ? schemaFault(inputSchema) : 'its type is not "object"';
          }),
        ),
      ),
  },
  {
    id: "output-schemas",
    title: "Every outputSchema is a JSON Schema",
    severity: "error",
    reference: TOOLS,
    run: (peer) =>
      judgeTools(peer, (tools) =>
        noneOf(
          faultsOf(tools, ({ outputSchema }) => (outputSchema === undefined ? undefined : schemaFault(outputSchema))),
        ),
      ),
  },
];

export const PARAMETER_HEADER_CHECK: Check<Peer> = {
  id: "x-mcp-header",
  title: "x-mcp-header names headers for plain arguments, each once",
  severity: "error",
  reference: "MCP 2026-07-28 basic/transports, Custom Headers",
  run: (peer) =>
    judgeTools(peer, (tools) =>
      noneOf(
        tools.flatMap((tool, at) =>
          findParameterHeaders(tool["inputSchema"]).faults.map((fault) => `${labelOf(tool, at)}: ${fault}`),
        ),
      ),
    ),
};
