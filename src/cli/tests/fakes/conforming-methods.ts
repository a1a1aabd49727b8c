import type { IncomingHttpHeaders } from "node:http";
import type { Message } from "../../../../tests/fixtures/http-fixture-server.ts";

export const SERVER_INFO = { name: "conforming", version: "1.0.0" };
export const CAPABILITIES = { tools: { listChanged: true }, prompts: {}, resources: {}, completions: {} };

const ECHO = {
  name: "echo",
  inputSchema: {
    type: "object",
    properties: { message: { type: "string" }, region: { type: "string", "x-mcp-header": "Region" } },
  },
  outputSchema: { type: "object", properties: { said: { type: "string" } }, required: ["said"] },
};

/** Two pages of tools. */
const PAGES: Message = {
  first: { tools: [ECHO, { name: "fail", inputSchema: { type: "object" } }], nextCursor: "second" },
  second: {
    tools: [
      { name: "old", inputSchema: { $schema: "http://json-schema.org/draft-07/schema#", type: "object" } },
      { name: "ask", inputSchema: { type: "object" } },
    ],
  },
};

const LISTS: Message = {
  "prompts/list": { prompts: [{ name: "greet", arguments: [{ name: "who" }] }] },
  "resources/list": { resources: [{ uri: "test://one", name: "one" }] },
  "resources/templates/list": { resourceTemplates: [{ uriTemplate: "test://{id}", name: "any" }] },
};

/** What a method answers, whatever the era; undefined when there is none. */
export function answerMethod(method: string, params: Message, headers: IncomingHttpHeaders): Message | undefined {
  if (LISTS[method]) return { result: LISTS[method] };
  if (method === "tools/list") {
    const page = PAGES[params["cursor"] ?? "first"];
    return page ? { result: page } : { error: { code: -32602, message: "There is no such page" } };
  }
  if (method === "resources/read" && params["uri"] === "test://one") {
    return { result: { contents: [{ uri: "test://one", text: "one" }] } };
  }
  if (method === "resources/read") return { error: { code: -32602, message: "There is no such resource" } };
  if (method === "completion/complete") return { result: { completion: { values: ["world"] } } };
  if (method === "prompts/get" && params["name"] === "greet") {
    return { result: { messages: [{ role: "user", content: { type: "text", text: "Hello" } }] } };
  }
  if (method === "prompts/get") return { error: { code: -32602, message: "There is no such prompt" } };
  return method === "tools/call" ? callTool(params, headers) : undefined;
}

function callTool({ name, arguments: args = {} }: Message, headers: IncomingHttpHeaders): Message {
  if (name === "echo" && args.region !== undefined && headers["mcp-param-region"] !== args.region) {
    return { error: { code: -32020, message: "Mcp-Param-Region is missing" } };
  }
  if (name === "echo") return { result: { content: [], structuredContent: { said: args.message } } };
  if (name === "ask") return { result: { resultType: "input_required", inputRequests: {} } };
  if (name !== "fail") return { error: { code: -32602, message: `Unknown tool: ${name}` } };
  return { result: { isError: true, content: [{ type: "text", text: "it did not\u001b[2J work" }] } };
}
