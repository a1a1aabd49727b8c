import { type Check, ok, skip, violated } from "../check.ts";
import { type Endpoint, isLoopback, type Peer } from "../endpoint.ts";
import { describeAnswer, expectRefusal, type Spoil, withHeader } from "../rpc.ts";
import type { WireAnswer } from "../wire-exchange.ts";

const TRANSPORT = "MCP basic/transports, Streamable HTTP";
const SECURITY = "MCP basic/transports, Security Warning";

/** Whether there is anything at the address, and whether it is MCP. */
export const REACH_CHECKS: readonly Check<Endpoint>[] = [
  {
    id: "reachable",
    title: "The address answers over HTTP",
    severity: "error",
    reference: TRANSPORT,
    code: "unreachable",
    run: ({ unreachable }) => (unreachable ? violated(unreachable.message) : ok()),
  },
  {
    id: "encrypted",
    title: "Nobody on the way can read what is said",
    severity: "warning",
    reference: "MCP basic/authorization, Communication Security",
    run({ settings: { url } }) {
      if (url.protocol === "https:" || isLoopback(url)) return ok();
      return violated("the address is http and not of this machine");
    },
  },
  {
    id: "admitted",
    title: "The endpoint admits this client",
    severity: "error",
    reference: "MCP basic/authorization",
    run({ refusal, unreachable, settings: { token } }) {
      if (unreachable) return skip("nothing answers");
      if (!refusal) return ok();
      const what = token === undefined ? "it asks for a token" : "it refuses the token";
      const code = refusal.status === 403 ? "forbidden" : "unauthenticated";
      return violated(`${refusal.status}: ${what}`, { code });
    },
  },
  {
    id: "era",
    title: "The endpoint speaks a revision of MCP that is known",
    severity: "error",
    reference: "MCP basic/versioning",
    run(endpoint) {
      const { modern, legacy, silence, refusal, unreachable } = endpoint;
      if (refusal || unreachable) return skip("it does not speak with this client");
      const spoken = [modern, legacy].flatMap((peer) => (peer ? [peer.protocolVersion] : []));
      return spoken.length > 0 ? ok(spoken.join(", ")) : violated(silence.join("; "));
    },
  },
];

/** Sends what harms nobody in the newest revision that is spoken, spoilt. */
function knock(peer: Peer, spoil: Spoil): Promise<WireAnswer> {
  return peer.send({ method: peer.era === "modern" ? "server/discover" : "ping" }, spoil);
}

/** What holds in every revision. */
export const TRANSPORT_CHECKS: readonly Check<Peer>[] = [
  {
    id: "answer-type",
    title: "Answers are of type application/json or text/event-stream",
    severity: "error",
    reference: TRANSPORT,
    run({ greeting: { headers } }) {
      const type = headers["content-type"] ?? "none";
      return /^(?:application\/json|text\/event-stream)\s*(?:;|$)/i.test(type) ? ok() : violated(`it is ${type}`);
    },
  },
  {
    id: "origin",
    title: "A request of a foreign web page is refused with 403",
    severity: "error",
    reference: SECURITY,
    async run(peer) {
      const answer = await knock(peer, withHeader("origin", "http://mcpctl-test.invalid"));
      if (answer.status === 403) return ok();
      // Which origins are foreign to a public server, only its operator knows.
      const isOpen = answer.status < 400 && !isLoopback(peer.endpoint.settings.url);
      return violated(`got ${describeAnswer(answer)}`, { severity: isOpen ? "warning" : "error" });
    },
  },
  {
    id: "host",
    title: "A server of this machine refuses requests for another host",
    severity: "warning",
    reference: SECURITY,
    async run(peer) {
      if (!isLoopback(peer.endpoint.settings.url)) return skip("the endpoint is not of this machine");
      const answer = await knock(peer, withHeader("host", "mcpctl-test.invalid"));
      return answer.status >= 400 && answer.status < 500 ? ok() : violated(`got ${describeAnswer(answer)}`);
    },
  },
  {
    id: "malformed-json",
    title: "A body that is no JSON is refused with 400",
    severity: "error",
    reference: "JSON-RPC 2.0, section 5.1",
    async run(peer) {
      return expectRefusal(await knock(peer, (draft) => ({ ...draft, body: "{" })), 400);
    },
  },
  {
    id: "content-type",
    title: "A body of another type than JSON is refused with 415",
    severity: "warning",
    reference: TRANSPORT,
    async run(peer) {
      return expectRefusal(await knock(peer, withHeader("content-type", "text/plain")), 415);
    },
  },
  {
    id: "accept",
    title: "A client that takes neither JSON nor event streams is refused with 406",
    severity: "warning",
    reference: TRANSPORT,
    async run(peer) {
      return expectRefusal(await knock(peer, withHeader("accept", "text/html")), 406);
    },
  },
];
