import type { Json } from "@mcpctl/shared/json.ts";
import { type Check, noneOf } from "../check.ts";
import { compileSchema } from "../compile-schema.ts";
import type { Peer } from "../endpoint.ts";
import { findParameterHeaders } from "../parameter-headers.ts";
import { isObject } from "../rpc.ts";
import { judgeTools, labelOf } from "./list-checks.ts";

const TOOLS = "MCP server/tools, Tool";

function schemaFault(schema: Json | undefined): string | undefined {
  const compiled = compileSchema(schema);
  return "fault" in compiled ? compiled.fault : undefined;
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
          tools.flatMap((tool, at) => {
            const { inputSchema } = tool;
            // A tool without one fails the check of its members.
            if (!isObject(inputSchema)) return [];
            const fault = inputSchema["type"] === "object" ? schemaFault(inputSchema) : 'its type is not "object"';
            return fault === undefined ? [] : [`${labelOf(tool, at)}: ${fault}`];
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
          tools.flatMap((tool, at) => {
            const { outputSchema } = tool;
            const fault = outputSchema === undefined ? undefined : schemaFault(outputSchema);
            return fault === undefined ? [] : [`${labelOf(tool, at)}: ${fault}`];
          }),
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
