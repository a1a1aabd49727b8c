import { isRecord } from "../protocol/client-message.ts";
import { invalidParams } from "../protocol/rpc-failure.ts";
import type { Method } from "./exchange.ts";
import type { Forward } from "./forward.ts";
import { requireExposed } from "./require-exposed.ts";

/** Makes the method `prompts/get`. @see MCP 2026-07-28, server/prompts */
export function createGetPrompt(forward: Forward): Method {
  return async (exchange) => {
    const { name, arguments: args, _meta, ...rest } = exchange.params;
    if (typeof name !== "string") throw invalidParams("params.name is no string");
    if (args !== undefined && !isRecord(args)) throw invalidParams("params.arguments is no object");
    const prompt = await requireExposed(exchange.project, "prompts", name);
    return forward(exchange, {
      source: prompt.source,
      method: "prompts/get",
      params: { ...rest, name: prompt.name, ...(args && { arguments: args }) },
      subject: `prompt "${prompt.name}"`,
    });
  };
}
