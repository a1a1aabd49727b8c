import { randomUUID } from "node:crypto";
import { LEGACY_VERSIONS, MODERN_VERSION, RPC } from "@mcpctl/shared/mcp/protocol.ts";
import { type Check, firstBad, noneOf, ok, type Outcome, skip, violated } from "../check.ts";
import type { LegacyPeer, LegacySession } from "../endpoint.ts";
import {
  describeAnswer,
  expectRefusal,
  expectResult,
  findErrorCode,
  findResult,
  isObject,
  withHeader,
} from "../rpc.ts";

const LIFECYCLE = "MCP 2025-11-25 basic/lifecycle";
const SESSIONS = "MCP 2025-11-25 basic/transports, Session Management";
const STATELESS = "the server gives out no session id";
const ping = { method: "ping" };

/** Opens a session for one check and ends it whatever comes of it. */
async function inSession(
  peer: LegacyPeer,
  act: (session: LegacySession) => Promise<Outcome>,
  version?: string,
): Promise<Outcome> {
  const session = await peer.open(version);
  try {
    return await act(session);
  } finally {
    if (session.id !== undefined) await peer.sendBodiless("DELETE", session.id);
  }
}

function isKnown(version: unknown): boolean {
  return LEGACY_VERSIONS.some((known) => known === version);
}

const LIFECYCLE_CHECKS: readonly Check<LegacyPeer>[] = [
  {
    id: "initialize-fields",
    title: "initialize answers with a revision that has sessions, capabilities and serverInfo",
    severity: "error",
    reference: LIFECYCLE,
    run({ greeting }) {
      const { protocolVersion, capabilities, serverInfo } = findResult(greeting) ?? {};
      const isNamed = isObject(serverInfo) && [serverInfo["name"], serverInfo["version"]].every(isText);
      return noneOf([
        ...(isKnown(protocolVersion) ? [] : [`protocolVersion is ${JSON.stringify(protocolVersion) ?? "missing"}`]),
        ...(isObject(capabilities) ? [] : ["capabilities is no object"]),
        ...(isNamed ? [] : ["serverInfo lacks a name or a version"]),
      ]);
    },
  },
  {
    id: "version-negotiation",
    title: "initialize with a revision that the server lacks is answered with one that it has",
    severity: "error",
    reference: LIFECYCLE,
    run: (peer) =>
      inSession(
        peer,
        async ({ greeting }) => {
          const version = findResult(greeting)?.["protocolVersion"];
          if (version === MODERN_VERSION) return violated(`${MODERN_VERSION} has no initialize`);
          return isKnown(version) ? ok() : violated(`got ${describeAnswer(greeting)}`);
        },
        "1999-01-01",
      ),
  },
  {
    id: "notification",
    title: "A notification is answered with 202 and no body",
    severity: "error",
    reference: "MCP 2025-11-25 basic/transports, Sending Messages",
    run({ session: { confirmation } }) {
      if (confirmation.status !== 202) return violated(`got ${confirmation.status}`);
      return confirmation.text === "" ? ok() : violated("the answer has a body");
    },
  },
  {
    id: "ping",
    title: "ping is answered with an empty result",
    severity: "error",
    reference: "MCP 2025-11-25 basic/utilities/ping",
    run: async ({ send }) => expectResult(await send(ping)),
  },
  {
    id: "set-level",
    title: "logging/setLevel is answered where logging is offered",
    severity: "error",
    reference: "MCP 2025-11-25 server/utilities/logging",
    async run({ send, capabilities }) {
      if (!isObject(capabilities["logging"])) return skip("the server offers no logging");
      return expectResult(await send({ method: "logging/setLevel", params: { level: "info" } }));
    },
  },
  {
    id: "subscribe",
    title: "The first resource that is listed can be subscribed to where that is offered",
    severity: "error",
    reference: "MCP 2025-11-25 server/resources, Subscriptions",
    async run(peer) {
      const { resources } = peer.capabilities;
      if (!isObject(resources) || resources["subscribe"] !== true) return skip("the server offers no subscriptions");
      const uri = (await peer.listing("resources")).items[0]?.["uri"];
      if (uri === undefined) return skip("the server lists no resource");
      return firstBad(
        ["resources/subscribe", "resources/unsubscribe"].map((method) => async () => {
          return expectResult(await peer.send({ method, params: { uri } }));
        }),
      );
    },
  },
  {
    id: "unknown-method",
    title: "A method that does not exist is answered with -32601",
    severity: "error",
    reference: "JSON-RPC 2.0, section 5.1",
    async run({ send }) {
      const answer = await send({ method: "mcpctl-test/no-such-method" });
      return findErrorCode(answer) === RPC.methodNotFound ? ok() : violated(`got ${describeAnswer(answer)}`);
    },
  },
  {
    id: "version-header",
    title: "MCP-Protocol-Version with a revision that does not exist is refused with 400",
    severity: "error",
    reference: "MCP 2025-11-25 basic/transports, Protocol Version Header",
    run: async ({ send }) => expectRefusal(await send(ping, withHeader("mcp-protocol-version", "bogus")), 400),
  },
];

const SESSION_CHECKS: readonly Check<LegacyPeer>[] = [
  {
    id: "session-id",
    title: "The session id has only visible ASCII characters",
    severity: "error",
    reference: SESSIONS,
    run({ session: { id } }) {
      if (id === undefined) return skip(STATELESS);
      return /^[\x21-\x7e]+$/.test(id) ? ok() : violated("it has others, or none");
    },
  },
  {
    id: "session-missing",
    title: "A request without a session id is refused with 400",
    severity: "error",
    reference: SESSIONS,
    async run({ session: { id }, send }) {
      if (id === undefined) return skip(STATELESS);
      return expectRefusal(await send(ping, withHeader("mcp-session-id", undefined)), 400);
    },
  },
  {
    id: "session-unknown",
    title: "A session that does not exist is answered with 404",
    severity: "error",
    reference: SESSIONS,
    async run({ session: { id }, send }) {
      if (id === undefined) return skip(STATELESS);
      return expectRefusal(await send(ping, withHeader("mcp-session-id", randomUUID())), 404);
    },
  },
  {
    id: "session-delete",
    title: "DELETE ends a session, which is then answered with 404",
    severity: "error",
    reference: SESSIONS,
    async run(peer) {
      const { id } = await peer.open();
      if (id === undefined) return skip(STATELESS);
      const ended = await peer.sendBodiless("DELETE", id);
      if (ended.status === 405) return skip("the server lets no client end a session");
      if (ended.status < 200 || ended.status > 299) return violated(`DELETE got ${describeAnswer(ended)}`);
      return expectRefusal(await peer.send(ping, withHeader("mcp-session-id", id)), 404);
    },
  },
  {
    id: "get",
    title: "GET opens a stream of events, or is refused with 405",
    severity: "error",
    reference: "MCP 2025-11-25 basic/transports, Listening for Messages",
    run: (peer) =>
      inSession(peer, async ({ id }) => {
        const { status, isStream } = await peer.sendBodiless("GET", id);
        return status === 405 || (status === 200 && isStream) ? ok() : violated(`got ${status} without a stream`);
      }),
  },
];

function isText(value: unknown): boolean {
  return typeof value === "string";
}

/** The rules of the revisions with sessions, apart from lists. */
export const LEGACY_CHECKS: readonly Check<LegacyPeer>[] = [...LIFECYCLE_CHECKS, ...SESSION_CHECKS];
