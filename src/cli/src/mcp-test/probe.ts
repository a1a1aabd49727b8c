import { McpctlError } from "@mcpctl/shared/errors.ts";
import { type Era, MODERN_VERSION } from "@mcpctl/shared/mcp/protocol.ts";
import type { Endpoint, TestSettings } from "./endpoint.ts";
import { confirm, createLegacyPeer, draftInitialize } from "./legacy-peer.ts";
import { createModernPeer, draftModern, sendDraft } from "./modern-peer.ts";
import { describeAnswer, findResult } from "./rpc.ts";
import type { WireAnswer } from "./wire-exchange.ts";
import { createWire } from "./wire.ts";

/** Finds out which revisions an address speaks. Never fails because of the server: what it does is what is tested. */
export async function probeEndpoint(settings: TestSettings, signal: AbortSignal): Promise<Endpoint> {
  const { url, token, timeoutMs } = settings;
  let lastId = 0;
  const bare: Endpoint = {
    settings,
    wire: createWire({ url, timeoutMs, signal }),
    headers: { ...settings.headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    nextId: () => (lastId += 1),
    silence: [],
  };
  return meet(bare);
}

async function meet(bare: Endpoint): Promise<Endpoint> {
  const { era } = bare.settings;
  const discovered = era === "legacy" ? undefined : await attempt(() => ask(bare, "modern"));
  const greeted = era === "modern" ? undefined : await attempt(() => ask(bare, "legacy"));
  const silence: string[] = [];
  const endpoint: Endpoint = { ...bare, silence };
  if (isAnswer(discovered) && speaksModern(discovered)) endpoint.modern = createModernPeer(endpoint, discovered);
  else if (discovered) silence.push(`server/discover: ${describe(discovered)}`);
  const session =
    isAnswer(greeted) && findResult(greeted) ? await attempt(() => confirm(endpoint, greeted)) : undefined;
  if (session && !(session instanceof McpctlError)) endpoint.legacy = createLegacyPeer(endpoint, session);
  else if (session ?? greeted) silence.push(`initialize: ${describe(session ?? greeted)}`);
  return endpoint.modern || endpoint.legacy ? endpoint : explainSilence(endpoint, [discovered, greeted]);
}

type Attempted<T> = T | McpctlError;

/** A connection that fails is an answer too: in one era it may, and the other one goes on. */
async function attempt<T>(act: () => Promise<T>): Promise<Attempted<T>> {
  try {
    return await act();
  } catch (thrown) {
    if (thrown instanceof McpctlError) return thrown;
    throw thrown;
  }
}

function isAnswer(attempted: Attempted<WireAnswer> | undefined): attempted is WireAnswer {
  return attempted !== undefined && !(attempted instanceof McpctlError);
}

function describe(attempted: Attempted<WireAnswer> | undefined): string {
  if (attempted === undefined) return "not asked";
  return attempted instanceof McpctlError ? attempted.message : describeAnswer(attempted);
}

async function explainSilence(
  endpoint: Endpoint,
  attempts: readonly (Attempted<WireAnswer> | undefined)[],
): Promise<Endpoint> {
  const answers = attempts.filter(isAnswer);
  const refusal = answers.find(({ status }) => status === 401 || status === 403);
  if (refusal) return { ...endpoint, refusal };
  const failure = attempts.find((one) => one instanceof McpctlError);
  if (answers.length === 0 && failure) return { ...endpoint, unreachable: failure };
  if (!(await isOldTransport(endpoint))) return endpoint;
  const hint = "GET opens the HTTP+SSE transport of 2024-11-05, which is deprecated";
  return { ...endpoint, silence: [...endpoint.silence, hint] };
}

function ask(bare: Endpoint, era: Era): Promise<WireAnswer> {
  return sendDraft(bare, era === "modern" ? draftModern(bare, { method: "server/discover" }) : draftInitialize(bare));
}

/** A discovery with faults is still one; whether it is whole is a check of its own. */
function speaksModern(discovered: WireAnswer): boolean {
  const result = findResult(discovered);
  const versions = result?.["supportedVersions"];
  return result !== undefined && (!Array.isArray(versions) || versions.includes(MODERN_VERSION));
}

/** Servers of the first revision open a stream for GET and name the address for messages in it. */
async function isOldTransport({ wire, headers }: Endpoint): Promise<boolean> {
  const opened = await attempt(() =>
    wire.send({
      httpMethod: "GET",
      headers: { ...headers, accept: "text/event-stream" },
      isDone: (answer) => answer.isStream,
    }),
  );
  return isAnswer(opened) && opened.status === 200 && opened.isStream;
}
