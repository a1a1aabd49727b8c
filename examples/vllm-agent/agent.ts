import type { ChatMessage } from "./chat-endpoint.ts";
import { complete } from "./chat-endpoint.ts";
import { AgentFailure } from "./failure.ts";
import type { GatewayTools } from "./gateway-tools.ts";
import type { Settings } from "./settings.ts";

/** More tools than this, or longer names, are refused by some endpoints; vLLM takes them. */
const MAX_TOOLS = 128;
const MAX_NAME = 64;

/** What of these tools an endpoint that is stricter than vLLM would refuse. */
export function findExcess({ tools }: GatewayTools): string[] {
  const long = tools.map((tool) => tool.function.name).filter((name) => name.length > MAX_NAME);
  return [
    ...(tools.length > MAX_TOOLS
      ? [`${tools.length} tools are more than the ${MAX_TOOLS} that some endpoints take`]
      : []),
    ...long.map((name) => `The name ${name} is longer than the ${MAX_NAME} characters that some endpoints take`),
  ];
}

/**
 * Has the model answer the question with the help of the tools.
 *
 * @param tell - hears of every call.
 * @throws {AgentFailure}
 */
export async function answer(settings: Settings, gateway: GatewayTools, tell: (what: string) => void): Promise<string> {
  const endpoint = { baseUrl: settings.openaiBaseUrl, apiKey: settings.openaiApiKey, model: settings.model };
  const messages: ChatMessage[] = [{ role: "user", content: settings.question }];
  for (let step = 1; step <= settings.maxSteps; step += 1) {
    const message = await complete(endpoint, messages, gateway.tools);
    if (!message.tool_calls) return message.content ?? "";
    messages.push(message);
    const results = message.tool_calls.map(async (wanted): Promise<ChatMessage> => {
      tell(`${wanted.function.name} ${wanted.function.arguments}`);
      return { role: "tool", tool_call_id: wanted.id, content: await gateway.call(wanted) };
    });
    messages.push(...(await Promise.all(results)));
  }
  throw new AgentFailure("no-steps-left", `The model has not answered within ${settings.maxSteps} steps`);
}
