import type { Json } from "@mcpctl/shared/json.ts";
import { type Check, ok, type Outcome, skip, violated } from "../check.ts";
import type { Peer } from "../endpoint.ts";
import { describeAnswer, findResult, isObject, type JsonObject } from "../rpc.ts";
import type { WireAnswer } from "../wire-exchange.ts";
import { isCacheHint } from "./cache-hints.ts";

const MAX_COMPLETIONS = 100;

/** What is listed may be gone by now, or be nothing for this client: that it is refused is only worth a word. */
function judgeResult(answer: WireAnswer, judge: (result: JsonObject) => Outcome): Outcome {
  const result = findResult(answer);
  return result ? judge(result) : violated(`got ${describeAnswer(answer)}`, { severity: "warning" });
}

async function firstOf(peer: Peer, kind: "prompts" | "resources", isWanted: (item: JsonObject) => boolean) {
  if (peer.capabilities[kind] === undefined) return undefined;
  return (await peer.listing(kind)).items.find(isWanted);
}

function argumentsOf({ arguments: args }: JsonObject): JsonObject[] {
  return Array.isArray(args) ? args.filter(isObject) : [];
}

/** Asking for what the lists show. */
export const CONTENT_CHECKS: readonly Check<Peer>[] = [
  {
    id: "resource-read",
    title: "The first resource that is listed can be read",
    severity: "error",
    reference: "MCP server/resources, Reading Resources",
    async run(peer) {
      const uri = (await firstOf(peer, "resources", () => true))?.["uri"];
      if (typeof uri !== "string") return skip("the server lists no resource");
      const answer = await peer.send({ method: "resources/read", params: { uri }, name: uri });
      return judgeResult(answer, (result) => {
        const contents = judgeContents(result["contents"]);
        return contents.status === "ok" && peer.era === "modern" ? isCacheHint(result) : contents;
      });
    },
  },
  {
    id: "prompt-get",
    title: "The first prompt that needs no arguments can be had",
    severity: "error",
    reference: "MCP server/prompts, Getting a Prompt",
    async run(peer) {
      const isPlain = (prompt: JsonObject) => !argumentsOf(prompt).some(({ required }) => required === true);
      const name = (await firstOf(peer, "prompts", isPlain))?.["name"];
      if (typeof name !== "string") return skip("the server lists no such prompt");
      const answer = await peer.send({ method: "prompts/get", params: { name }, name });
      return judgeResult(answer, (result) => judgeMessages(result));
    },
  },
  {
    id: "completion",
    title: `completion/complete answers with at most ${MAX_COMPLETIONS} values where completions are offered`,
    severity: "error",
    reference: "MCP server/utilities/completion",
    async run(peer) {
      if (peer.capabilities["completions"] === undefined) return skip("the server offers no completions");
      const prompt = await firstOf(peer, "prompts", (item) => argumentsOf(item).length > 0);
      const [argument] = prompt ? argumentsOf(prompt) : [];
      if (!prompt || !argument) return skip("the server lists no prompt with arguments");
      const ref = { type: "ref/prompt", name: prompt["name"] ?? "" };
      const params = { ref, argument: { name: argument["name"] ?? "", value: "" } };
      return judgeResult(await peer.send({ method: "completion/complete", params }), judgeCompletion);
    },
  },
];

function judgeContents(contents: Json | undefined): Outcome {
  if (!Array.isArray(contents)) return violated("contents is no array");
  const isContent = (item: Json) =>
    isObject(item) &&
    typeof item["uri"] === "string" &&
    [item["text"], item["blob"]].some((value) => typeof value === "string");
  return contents.every(isContent) ? ok() : violated("contents has an item without uri, or without text and blob");
}

function judgeMessages({ messages, resultType }: JsonObject): Outcome {
  if (resultType === "input_required") return skip("it asks for input, which nobody is here to give");
  if (!Array.isArray(messages)) return violated("messages is no array");
  const isMessage = (item: Json) =>
    isObject(item) && (item["role"] === "user" || item["role"] === "assistant") && isObject(item["content"]);
  return messages.every(isMessage) ? ok() : violated("messages has an item without a role or content");
}

function judgeCompletion({ completion }: JsonObject): Outcome {
  const values = isObject(completion) ? completion["values"] : undefined;
  if (!Array.isArray(values)) return violated("completion.values is no array");
  return values.length <= MAX_COMPLETIONS ? ok() : violated(`there are ${values.length} values`);
}
