import {
  type CallToolResult,
  Client,
  type ContentBlock,
  ProtocolError,
  SdkHttpError,
  StreamableHTTPClientTransport,
} from "@modelcontextprotocol/client";
import type { ChatTool, ToolCall } from "./chat-endpoint.ts";
import { AgentFailure } from "./failure.ts";

/** The tools of one project, as its endpoint offers them to the holder of a token. */
export interface GatewayTools extends AsyncDisposable {
  readonly tools: readonly ChatTool[];
  /** Calls a tool. What went wrong is told to the model, which may know a way around it. */
  call(wanted: ToolCall): Promise<string>;
}

/** @throws {AgentFailure} `refused`, `unreachable`, `bad-answer` */
export async function openTools(url: string, token: string): Promise<GatewayTools> {
  const client = new Client({ name: "vllm-agent", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  const tools = await named(url, async () => {
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
    return (await client.listTools()).tools;
  });
  return {
    // Names and schemas stay as they are: the gateway's names are fit for every chat endpoint.
    tools: tools.map(({ name, description, inputSchema }) => ({
      type: "function",
      function: { name, description, parameters: inputSchema },
    })),
    async call({ function: { name, arguments: json } }) {
      const args = parseArguments(json);
      if (!args) return `The tool was not called: its arguments are no JSON object: ${json}`;
      try {
        return toText(await named(url, () => client.callTool({ name, arguments: args })));
      } catch (thrown) {
        if (thrown instanceof ProtocolError) return `The tool failed: ${thrown.message}`;
        throw thrown;
      }
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** Gives names to what can be in the way of the gateway; what a server or the gateway says about a call passes. */
async function named<T>(url: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (cause instanceof ProtocolError) throw cause;
    const status = cause instanceof SdkHttpError ? cause.status : undefined;
    if (status === 401 || status === 403) {
      const hint = "it may be revoked or expired; mint another with: mcpctl create mcptoken NAME -p PROJECT";
      throw new AgentFailure("refused", `The token was refused at ${url}: ${hint}`, { cause });
    }
    if (status !== undefined) throw new AgentFailure("bad-answer", `${url} answered ${status}`, { cause });
    throw new AgentFailure("unreachable", `The gateway cannot be reached at ${url}`, { cause });
  }
}

function parseArguments(json: string): Record<string, unknown> | undefined {
  try {
    const args: unknown = JSON.parse(json === "" ? "{}" : json);
    return typeof args === "object" && args !== null && !Array.isArray(args) ? { ...args } : undefined;
  } catch {
    return undefined;
  }
}

/** A chat takes text: what is none is said to be there. */
function toText({ content, structuredContent, isError }: CallToolResult): string {
  const parts = content.map(describe);
  const structured = structuredContent === undefined ? undefined : JSON.stringify(structuredContent);
  // Most servers send the same as text, for clients that know no other.
  if (structured !== undefined && !parts.some((part) => isSameJson(part, structured))) parts.push(structured);
  return `${isError ? "The tool failed: " : ""}${parts.join("\n")}`;
}

function describe(block: ContentBlock): string {
  switch (block.type) {
    case "text":
      return block.text;
    case "image":
    case "audio":
      return `[${block.type} of type ${block.mimeType}, which cannot be shown here]`;
    case "resource_link":
      return `[resource ${block.uri}]`;
    case "resource":
      return "text" in block.resource ? block.resource.text : `[resource ${block.resource.uri}, which is no text]`;
  }
}

function isSameJson(text: string, json: string): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) === json;
  } catch {
    return false;
  }
}
