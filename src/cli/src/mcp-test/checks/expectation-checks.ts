import { type Check, ok, type Outcome, skip, violated } from "../check.ts";
import { compileSchema, findMismatch } from "../compile-schema.ts";
import type { Peer } from "../endpoint.ts";
import { walkList } from "../listing.ts";
import { parameterHeaders } from "../parameter-headers.ts";
import { describeAnswer, findResult, isObject, type JsonObject } from "../rpc.ts";

const LIST_SAMPLES = 3;
const MAX_QUOTED = 200;
const WISH = "the command line";

export interface ToolCall {
  tool: string;
  args: JsonObject;
}

/** What the command line asks for beyond the protocol. */
export interface Expectations {
  tools: readonly string[];
  calls: readonly ToolCall[];
  latency?: { maxMs: number; severity: "error" | "warning" } | undefined;
}

/** Tools that have to be there, and how soon. */
export function listExpectations({ tools, latency }: Expectations): Check<Peer>[] {
  const expected = tools.map((name): Check<Peer> => ({
    id: `expect-tool.${name}`,
    title: `There is a tool "${name}"`,
    severity: "error",
    reference: WISH,
    code: "tool-error",
    run: (peer) => expectTool(peer, name),
  }));
  return latency ? [...expected, listLatency(latency)] : expected;
}

/** Calls, one after the other; each is made once. */
export function callExpectations({ calls, latency }: Expectations): Check<Peer>[] {
  return calls.map(({ tool, args }, at) => ({
    id: `call.${at + 1}.${tool}`,
    title: `A call of "${tool}" succeeds`,
    severity: "error",
    reference: WISH,
    code: "tool-error",
    isAlone: true,
    run: (peer) => call(peer, { tool, args }, latency),
  }));
}

async function expectTool(peer: Peer, name: string): Promise<Outcome> {
  if (peer.capabilities["tools"] === undefined) return violated("the server has no tools");
  const { items, fault, pagingFault } = await peer.listing("tools");
  if (items.some((tool) => tool["name"] === name)) return ok();
  const why = fault ?? pagingFault;
  return violated(why === undefined ? `it is not among the ${items.length} that are listed` : `tools/list: ${why}`);
}

function listLatency({ maxMs, severity }: NonNullable<Expectations["latency"]>): Check<Peer> {
  return {
    id: "list-latency",
    title: `tools/list takes at most ${maxMs} ms a page`,
    severity,
    reference: WISH,
    code: "tool-error",
    isAlone: true,
    async run(peer) {
      if (peer.capabilities["tools"] === undefined) return skip("the server has no tools");
      const times: number[] = [];
      for (let sample = 0; sample < LIST_SAMPLES; sample += 1) {
        const { pages, fault } = await walkList("tools", peer.send);
        if (fault !== undefined) return skip("tools/list cannot be read");
        times.push(Math.max(...pages.map(({ durationMs }) => durationMs)));
      }
      // One slow answer of three may be the machine's fault.
      const [, median = 0] = times.toSorted((a, b) => a - b);
      const seen = `it took ${Math.ceil(median)} ms`;
      return median <= maxMs ? ok(seen) : violated(seen);
    },
  };
}

async function call(peer: Peer, { tool, args }: ToolCall, latency: Expectations["latency"]): Promise<Outcome> {
  const { items } = await peer.listing("tools");
  const listed = items.find(({ name }) => name === tool);
  const headers = peer.era === "modern" ? parameterHeaders(listed?.["inputSchema"], args) : {};
  const answer = await peer.send({
    method: "tools/call",
    params: { name: tool, arguments: args },
    name: tool,
    headers,
  });
  const result = findResult(answer);
  if (!result) return violated(`got ${describeAnswer(answer)}`);
  if (result["resultType"] === "input_required") return violated("it asks for input, which nobody is here to give");
  if (result["isError"] === true) return violated(`the tool says: ${textOf(result)}`);
  const { outputSchema } = listed ?? {};
  const mismatch =
    outputSchema === undefined ? undefined : findMismatch(compileSchema(outputSchema), result["structuredContent"]);
  if (mismatch !== undefined) return violated(`structuredContent breaks outputSchema: ${mismatch}`);
  const seen = `it took ${Math.ceil(answer.durationMs)} ms`;
  const isSlow = latency !== undefined && answer.durationMs > latency.maxMs;
  return isSlow ? violated(`${seen}, more than ${latency.maxMs} ms`, { severity: latency.severity }) : ok(seen);
}

function textOf({ content }: JsonObject): string {
  const blocks = Array.isArray(content) ? content : [];
  const texts = blocks.flatMap((block) =>
    isObject(block) && typeof block["text"] === "string" ? [block["text"]] : [],
  );
  return texts.join(" ").slice(0, MAX_QUOTED) || "nothing";
}
