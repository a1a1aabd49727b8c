import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { ChatMessage, ChatTool } from "../../../examples/vllm-agent/chat-endpoint.ts";

interface ChatRequest {
  model: string;
  messages: ChatMessage[];
  tools?: ChatTool[];
}

/** Plays the model: makes its next message of what it was asked. */
export type Script = (asked: ChatRequest) => object;

export interface ChatEndpoint extends AsyncDisposable {
  baseUrl: string;
  asked: ChatRequest[];
}

/** Chat completions as vLLM serves them, with a script instead of a model; the last message goes on for ever. */
export async function startChatEndpoint(script: readonly Script[]): Promise<ChatEndpoint> {
  const asked: ChatRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.method !== "POST" || request.url !== "/v1/chat/completions") {
        response.writeHead(404).end();
        return;
      }
      const body = JSON.parse(Buffer.concat(chunks).toString("utf8")) as ChatRequest;
      const play = script[Math.min(asked.push(body), script.length) - 1];
      const message = { role: "assistant", content: null, ...play?.(body) };
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ object: "chat.completion", choices: [{ index: 0, message }] }));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** A message that asks for tools; arguments are written as they are given. */
export function wants(...calls: [name: string, args: string][]): Script {
  const tool_calls = calls.map(([name, args], index) => ({
    id: `call-${index}`,
    type: "function",
    function: { name, arguments: args },
  }));
  return () => ({ tool_calls });
}

export function says(content: string): Script {
  return () => ({ content });
}

/** What the tools of the last step gave, by the id of the call. */
export function resultsIn({ messages }: ChatRequest): Record<string, string> {
  const results = messages.filter((message) => message.role === "tool");
  return Object.fromEntries(results.map(({ tool_call_id: id, content }) => [id, content]));
}
