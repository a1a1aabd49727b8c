import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import type { Method } from "./exchange.ts";
import { answerToolsList } from "./list-tools.ts";
import { answerDiscover } from "./server-info.ts";

/** What each kind of client may ask for, by method name. Whatever is not here does not exist for it. */
export interface MethodTables {
  modern: ReadonlyMap<string, Method>;
  legacy: ReadonlyMap<string, Method>;
}

/** Lists the methods that are served. `subscriptions/listen` and `initialize` belong to the transport and are not here. */
export function createMethods(callTool: Method): MethodTables {
  const shared: [string, Method][] = [
    ["tools/list", answerToolsList],
    ["tools/call", callTool],
  ];
  return {
    modern: new Map([...shared, ["server/discover", answerDiscover]]),
    legacy: new Map([...shared, ["ping", answerPing]]),
  };
}

function answerPing(): UpstreamReply {
  return { kind: "result", json: Buffer.from("{}") };
}
