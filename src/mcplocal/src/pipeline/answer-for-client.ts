import { setTimeout as sleep } from "node:timers/promises";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { ClientSide, UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import type { UpstreamCall } from "./upstream-call.ts";
import { type InputRequired, readInputRequired } from "./input-required.ts";

/** A server that is not satisfied after so many answers never will be. */
const MAX_ROUNDS = 16;
/** A server that only wants to be asked again is not asked more often than this. */
const PAUSE_MS = 100;

/**
 * Calls a stateless server for a client with a session: whatever the server requires is asked of the client, and the
 * request sent again with its answers.
 *
 * @throws {McpctlError} `upstream-protocol` when there is no end to it, and what `ask` and `request` throw.
 */
export async function answerForClient(client: ClientSide, call: UpstreamCall): Promise<UpstreamReply> {
  const { upstream, method, options } = call;
  let params = call.params;
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const reply = await upstream.request(method, params, options);
    const required = readInputRequired(reply);
    if (!required) return reply;
    const answers = await askAll(client, required, options.signal);
    if ("kind" in answers) return answers;
    if (answers.count === 0) await sleep(PAUSE_MS, undefined, { signal: options.signal });
    const { requestState } = required;
    const state = requestState === undefined ? {} : { requestState };
    params = { ...call.params, ...state, ...(answers.count > 0 && { inputResponses: answers.responses }) };
  }
  throw new McpctlError("upstream-protocol", `The server still asks for input after ${MAX_ROUNDS} answers`);
}

interface Answers {
  count: number;
  responses: Record<string, unknown>;
}

/** @returns the error of the client instead, when it gives one: there is no form in which a server could be told. */
async function askAll(
  client: ClientSide,
  { inputRequests }: InputRequired,
  signal: AbortSignal,
): Promise<Answers | UpstreamReply> {
  const asked = Object.entries(inputRequests).map(
    async ([key, { method, params }]) => [key, await client.ask(method, params, signal)] as const,
  );
  const replies = await Promise.all(asked);
  const refused = replies.find(([, { kind }]) => kind === "error");
  if (refused) return refused[1];
  const responses = replies.map(([key, { json }]): [string, unknown] => [
    key,
    JSON.parse(Buffer.from(json).toString()),
  ]);
  return { count: replies.length, responses: Object.fromEntries(responses) };
}
