import type { Json } from "@mcpctl/shared/json.ts";
import { type Check, ok, type Outcome, skip, violated } from "../check.ts";
import type { Peer } from "../endpoint.ts";
import { describeAnswer, findResult, isObject } from "../rpc.ts";
import { isCacheHint } from "./cache-hints.ts";

export const RESOURCE_CHECK: Check<Peer> = {
  id: "resource-read",
  title: "The first resource that is listed can be read",
  severity: "error",
  reference: "MCP server/resources, Reading Resources",
  async run(peer) {
    if (peer.capabilities["resources"] === undefined) return skip("the server has no resources");
    const [first] = (await peer.listing("resources")).items;
    const uri = first?.["uri"];
    if (typeof uri !== "string") return skip("the server lists no resource");
    const answer = await peer.send({ method: "resources/read", params: { uri }, name: uri });
    const result = findResult(answer);
    // It may be gone by now, or be nothing for this client.
    if (!result) return violated(`got ${describeAnswer(answer)}`, { severity: "warning" });
    const contents = judgeContents(result["contents"]);
    return contents.status === "ok" && peer.era === "modern" ? isCacheHint(result) : contents;
  },
};

function judgeContents(contents: Json | undefined): Outcome {
  if (!Array.isArray(contents)) return violated("contents is no array");
  const isContent = (item: Json) =>
    isObject(item) &&
    typeof item["uri"] === "string" &&
    [item["text"], item["blob"]].some((value) => typeof value === "string");
  return contents.every(isContent) ? ok() : violated("contents has an item without uri, or without text and blob");
}
