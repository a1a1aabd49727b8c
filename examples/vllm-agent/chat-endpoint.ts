import { AgentFailure } from "./failure.ts";

/** A tool as chat completions describe it. */
export interface ChatTool {
  type: "function";
  function: { name: string; description?: string | undefined; parameters: object };
}

export interface ToolCall {
  id: string;
  type: "function";
  /** `arguments` is JSON that the model has written, so it may be anything. */
  function: { name: string; arguments: string };
}

export type ChatMessage =
  | { role: "system" | "user"; content: string }
  | { role: "assistant"; content: string | null; tool_calls?: ToolCall[] }
  | { role: "tool"; tool_call_id: string; content: string };

type Answer = Extract<ChatMessage, { role: "assistant" }>;

interface ChatEndpoint {
  baseUrl: string;
  apiKey: string | undefined;
  model: string;
}

/** A model on a slow machine may think for long. */
const TIMEOUT_MS = 600_000;
const MAX_SHOWN = 300;

/**
 * Asks the model for the next message.
 *
 * @throws {AgentFailure} `unreachable`, `bad-answer`
 * @see OpenAI, "Chat completions", which vLLM serves as well
 */
export async function complete(
  { baseUrl, apiKey, model }: ChatEndpoint,
  messages: readonly ChatMessage[],
  tools: readonly ChatTool[],
): Promise<Answer> {
  const url = `${baseUrl}/chat/completions`;
  const response = await post(url, apiKey, { model, messages, ...(tools.length > 0 && { tools }) });
  const text = await response.text();
  if (!response.ok) {
    throw new AgentFailure("bad-answer", `${url} answered ${response.status}: ${text.slice(0, MAX_SHOWN)}`);
  }
  return readAnswer(url, text);
}

async function post(url: string, apiKey: string | undefined, body: object): Promise<Response> {
  const authorization = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  try {
    return await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...authorization },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (cause) {
    throw new AgentFailure("unreachable", `The model cannot be reached at ${url}; is the server up?`, { cause });
  }
}

function readAnswer(url: string, text: string): Answer {
  try {
    const { content = null, tool_calls: calls = [] } = JSON.parse(text).choices[0].message;
    const toolCalls: ToolCall[] = calls ?? [];
    return { role: "assistant", content, ...(toolCalls.length > 0 && { tool_calls: toolCalls }) };
  } catch (cause) {
    throw new AgentFailure("bad-answer", `${url} sent no chat completion: ${text.slice(0, MAX_SHOWN)}`, { cause });
  }
}
