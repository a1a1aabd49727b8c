import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import type { Method } from "./exchange.ts";
import { createListMethod } from "./answer-list.ts";
import { createComplete } from "./complete.ts";
import { createGetPrompt } from "./get-prompt.ts";
import type { Forward } from "./forward.ts";
import { createReadResource } from "./read-resource.ts";
import { answerDiscover } from "./server-info.ts";

/** What each kind of client may ask for, by method name. Whatever is not here does not exist for it. */
export interface MethodTables {
  modern: ReadonlyMap<string, Method>;
  legacy: ReadonlyMap<string, Method>;
}

/** Lists the methods that are served. `subscriptions/listen` and `initialize` belong to the transport and are not here. */
export function createMethods(callTool: Method, forward: Forward): MethodTables {
  const shared: [string, Method][] = [
    ["tools/list", createListMethod("tools")],
    ["tools/call", callTool],
    ["prompts/list", createListMethod("prompts")],
    ["prompts/get", createGetPrompt(forward)],
    ["resources/list", createListMethod("resources")],
    ["resources/templates/list", createListMethod("resourceTemplates")],
    ["resources/read", createReadResource(forward)],
    ["completion/complete", createComplete(forward)],
  ];
  return {
    modern: new Map([...shared, ["server/discover", answerDiscover]]),
    legacy: new Map([...shared, ["ping", answerPing]]),
  };
}

function answerPing(): UpstreamReply {
  return { kind: "result", json: Buffer.from("{}") };
}
