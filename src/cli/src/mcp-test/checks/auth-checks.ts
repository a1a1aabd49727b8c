import { type Check, ok, type Outcome, skip, violated } from "../check.ts";
import { type Endpoint, isLoopback } from "../endpoint.ts";
import { draftInitialize } from "../legacy-peer.ts";
import { draftModern, sendDraft } from "../modern-peer.ts";
import { describeAnswer, type Draft, withHeader } from "../rpc.ts";
import type { WireAnswer } from "../wire-exchange.ts";
import { metadataFaults, wellKnownUrl } from "./resource-metadata.ts";

const AUTHORIZATION = "MCP basic/authorization";
const OPEN = "the endpoint asks for no token";
const MIN_REPLACED = 8;

/** A greeting with another `Authorization`, or none. */
function draftGreeting(endpoint: Endpoint, authorization: string | undefined): Draft {
  const isLegacy = endpoint.settings.era === "legacy" || (endpoint.legacy && !endpoint.modern);
  const draft = isLegacy ? draftInitialize(endpoint) : draftModern(endpoint, { method: "server/discover" });
  return withHeader("authorization", authorization)(draft);
}

function greet(endpoint: Endpoint, authorization: string | undefined): Promise<WireAnswer> {
  return sendDraft(endpoint, draftGreeting(endpoint, authorization));
}

/** Whether there is anything to protect, as far as this client can know. */
function isProtected({ headers, refusal }: Endpoint): boolean {
  return headers["authorization"] !== undefined || refusal !== undefined;
}

/** Looks like the token as far as its kind is concerned, and is none. */
function wrongToken(token: string | undefined): string {
  if (token === undefined) return "mcpctl-test-wrong-token";
  const end = token.lastIndexOf("_") + 1;
  const kept = token.length - end >= MIN_REPLACED ? token.slice(0, end) : "";
  return kept + "x".repeat(token.length - kept.length);
}

function expect401(answer: WireAnswer): Outcome {
  return answer.status === 401 ? ok() : violated(`got ${describeAnswer(answer)}`);
}

function hasBearerChallenge({ headers }: WireAnswer): boolean {
  return /(?:^|,\s*)bearer(?:\s|,|$)/i.test(headers["www-authenticate"] ?? "");
}

/** The answer to a greeting without a token, where it is a refusal. */
async function findRefusal(endpoint: Endpoint): Promise<WireAnswer | undefined> {
  if (!isProtected(endpoint)) return undefined;
  const answer = await greet(endpoint, undefined);
  return answer.status === 401 ? answer : undefined;
}

async function withoutBody(endpoint: Endpoint, httpMethod: "GET" | "DELETE"): Promise<WireAnswer> {
  const { authorization: _, ...headers } = endpoint.headers;
  const draft: Draft = { httpMethod, headers: { ...headers, accept: "text/event-stream" }, message: undefined };
  return sendDraft(endpoint, draft, ({ isStream }) => isStream);
}

const REFUSAL_CHECKS: readonly Check<Endpoint>[] = [
  {
    id: "no-token",
    title: "A request without a token is refused with 401",
    severity: "error",
    reference: `${AUTHORIZATION}, Error Handling`,
    run: async (endpoint) => (isProtected(endpoint) ? expect401(await greet(endpoint, undefined)) : skip(OPEN)),
  },
  {
    id: "wrong-token",
    title: "A request with a wrong token is refused with 401",
    severity: "error",
    reference: `${AUTHORIZATION}, Token Handling`,
    async run(endpoint) {
      if (!isProtected(endpoint)) return skip(OPEN);
      return expect401(await greet(endpoint, `Bearer ${wrongToken(endpoint.settings.token)}`));
    },
  },
  {
    id: "challenge",
    title: "401 comes with WWW-Authenticate: Bearer",
    severity: "error",
    reference: `${AUTHORIZATION}, RFC 6750 section 3`,
    async run(endpoint) {
      if (!isProtected(endpoint)) return skip(OPEN);
      const tokens = [undefined, `Bearer ${wrongToken(endpoint.settings.token)}`];
      const answers = await Promise.all(tokens.map((token) => greet(endpoint, token)));
      const refused = answers.filter(({ status }) => status === 401);
      if (refused.length === 0) return skip("nothing was refused with 401");
      const bad = refused.find((answer) => !hasBearerChallenge(answer));
      return bad ? violated(`WWW-Authenticate is ${bad.headers["www-authenticate"] ?? "missing"}`) : ok();
    },
  },
  {
    id: "other-methods",
    title: "GET and DELETE without a token are refused with 401 too",
    severity: "error",
    reference: `${AUTHORIZATION}, Token Requirements`,
    async run(endpoint) {
      if (!(await findRefusal(endpoint))) return skip(OPEN);
      const get = expect401(await withoutBody(endpoint, "GET"));
      if (get.status === "violated") return violated(`GET ${get.seen}`);
      const end = expect401(await withoutBody(endpoint, "DELETE"));
      return end.status === "violated" ? violated(`DELETE ${end.seen}`) : ok();
    },
  },
  {
    id: "query",
    title: "A token in the address is not accepted",
    severity: "error",
    reference: `${AUTHORIZATION}, Token Requirements`,
    async run(endpoint) {
      const { url, token, isTokenInQueryAllowed } = endpoint.settings;
      if (token === undefined || endpoint.refusal) return skip("there is no token that is admitted");
      if (!isTokenInQueryAllowed && !isLoopback(url)) return skip("it would get into logs; see --token-in-query");
      if (!(await findRefusal(endpoint))) return skip(OPEN);
      const address = new URL(url);
      address.searchParams.set("access_token", token);
      const { headers, message } = draftGreeting(endpoint, undefined);
      const body = JSON.stringify(message);
      const answer = await endpoint.wire.send({ httpMethod: "POST", headers, body, url: address });
      return answer.status >= 400 ? ok() : violated(`got ${describeAnswer(answer)}`);
    },
  },
];

const METADATA_CHECKS: readonly Check<Endpoint>[] = [
  {
    id: "resource-metadata",
    title: "The metadata of the protected resource that is advertised is right",
    severity: "error",
    reference: `${AUTHORIZATION}, RFC 9728`,
    async run(endpoint) {
      const refusal = await findRefusal(endpoint);
      if (!refusal) return skip(OPEN);
      const [, advertised] = /resource_metadata="?([^",\s]+)"?/i.exec(refusal.headers["www-authenticate"] ?? "") ?? [];
      if (advertised === undefined) return skip("none is advertised");
      if (!URL.canParse(advertised)) return violated("resource_metadata is no address");
      if (new URL(advertised).origin !== endpoint.settings.url.origin) {
        return skip("it is at another origin, where nothing is fetched from");
      }
      return judgeMetadata(endpoint, new URL(advertised));
    },
  },
  {
    id: "well-known",
    title: "Where there is no OAuth metadata, its well-known address answers 404 that JSON parsers survive",
    severity: "warning",
    reference: `${AUTHORIZATION}, Protected Resource Metadata Discovery`,
    async run(endpoint) {
      if (!isProtected(endpoint)) return skip(OPEN);
      const address = wellKnownUrl(endpoint.settings.url);
      const answer = await fetchMetadata(endpoint, address);
      if (answer.status === 200) return judgeMetadata(endpoint, address);
      const isSafe = answer.text === "" || answer.messages.length > 0;
      if (answer.status !== 404) return violated(`got ${answer.status}`);
      return isSafe ? ok() : violated("the body of the 404 is no JSON");
    },
  },
];

/** Without credentials: this address is for clients that have none yet. */
function fetchMetadata({ wire }: Endpoint, url: URL): Promise<WireAnswer> {
  return wire.send({ httpMethod: "GET", headers: { accept: "application/json" }, url });
}

async function judgeMetadata(endpoint: Endpoint, url: URL): Promise<Outcome> {
  const { status, messages } = await fetchMetadata(endpoint, url);
  if (status !== 200) return violated(`it answers ${status}`);
  const [fault] = metadataFaults(messages[0], endpoint.settings.url);
  return fault === undefined ? ok() : violated(fault);
}

/** What becomes of requests that are not admitted. */
export const AUTH_CHECKS: readonly Check<Endpoint>[] = [...REFUSAL_CHECKS, ...METADATA_CHECKS];
