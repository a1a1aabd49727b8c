import { LATEST_LEGACY_VERSION, META, MODERN_VERSION, RPC } from "@mcpctl/shared/mcp/protocol.ts";
import { type Check, firstBad, noneOf, ok, skip, violated } from "../check.ts";
import type { Peer } from "../endpoint.ts";
import { describeAnswer, expectRefusal, expectResult, findErrorCode, findResponse, findResult } from "../rpc.ts";
import { isObject, type JsonObject, spoilBoth, withHeader, withMeta } from "../rpc.ts";
import { isCacheHint } from "./cache-hints.ts";

const DISCOVER = "MCP 2026-07-28 server/discover";
const VERSIONING = "MCP 2026-07-28 basic/versioning";
const TRANSPORT = "MCP 2026-07-28 basic/transports, Streamable HTTP";
const NOWHERE = "mcpctl-test/no-such-method";
const NO_VERSION = "1999-01-01";
/** What the stateless revision took away. */
const REMOVED: readonly (readonly [method: string, params?: JsonObject])[] = [
  ["initialize", { protocolVersion: LATEST_LEGACY_VERSION, capabilities: {}, clientInfo: { name: "x", version: "0" } }],
  ["ping"],
  ["logging/setLevel", { level: "info" }],
  ["resources/subscribe", { uri: "mcpctl-test://none" }],
  ["resources/unsubscribe", { uri: "mcpctl-test://none" }],
];

const discover = { method: "server/discover" };
const setVersion = (version: string) => withMeta((meta) => ({ ...meta, [META.protocolVersion]: version }));
const without = (key: string) => withMeta(({ [key]: _, ...others }) => others);

/** What `server/discover` says. */
const DISCOVER_CHECKS: readonly Check<Peer>[] = [
  {
    id: "discover-fields",
    title: "server/discover answers with supportedVersions and capabilities",
    severity: "error",
    reference: DISCOVER,
    run({ greeting }) {
      const { supportedVersions, capabilities, instructions } = findResult(greeting) ?? {};
      const isList = Array.isArray(supportedVersions) && supportedVersions.every((one) => typeof one === "string");
      return noneOf([
        ...(isList ? [] : ["supportedVersions is no array of strings"]),
        ...(isObject(capabilities) ? [] : ["capabilities is no object"]),
        ...(instructions === undefined || typeof instructions === "string" ? [] : ["instructions is no string"]),
      ]);
    },
  },
  {
    id: "discover-cache",
    title: "server/discover says for how long and for whom its answer holds",
    severity: "error",
    reference: "MCP 2026-07-28 server/utilities/caching",
    run: ({ greeting }) => isCacheHint(findResult(greeting) ?? {}),
  },
  {
    id: "server-info",
    title: "Results say which server they are of",
    severity: "warning",
    reference: "MCP 2026-07-28 basic, _meta",
    run: ({ serverInfo }) =>
      typeof serverInfo?.["name"] === "string" ? ok() : violated(`_meta lacks "${META.serverInfo}" with a name`),
  },
];

/** Requests that lack what each must carry. */
const ENVELOPE_CHECKS: readonly Check<Peer>[] = [
  {
    id: "missing-meta",
    title: "A request without _meta is refused with 400 and -32602",
    severity: "error",
    reference: VERSIONING,
    run: async ({ send }) => expectRefusal(await send(discover, withMeta(undefined)), 400, [RPC.invalidParams]),
  },
  {
    id: "missing-capabilities",
    title: "A request that does not say what its client can do is refused with 400 and -32602",
    severity: "error",
    reference: VERSIONING,
    run: async ({ send }) =>
      expectRefusal(await send(discover, without(META.clientCapabilities)), 400, [RPC.invalidParams]),
  },
  {
    id: "unsupported-version",
    title: "A revision that does not exist is refused with 400, -32022 and the supported ones",
    severity: "error",
    reference: VERSIONING,
    async run({ send }) {
      const spoil = spoilBoth(setVersion(NO_VERSION), withHeader("mcp-protocol-version", NO_VERSION));
      const answer = await send(discover, spoil);
      const refused = expectRefusal(answer, 400, [RPC.unsupportedVersion]);
      if (refused.status === "violated") return refused;
      const error = findResponse(answer)?.["error"];
      const data = isObject(error) ? error["data"] : undefined;
      return isObject(data) && Array.isArray(data["supported"]) ? ok() : violated("error.data.supported is no array");
    },
  },
  {
    id: "version-header",
    title: "MCP-Protocol-Version that the body does not repeat is refused with 400 and -32020",
    severity: "error",
    reference: TRANSPORT,
    run: ({ send }) =>
      firstBad(
        [LATEST_LEGACY_VERSION, undefined].map((value) => async () => {
          const answer = await send(discover, withHeader("mcp-protocol-version", value));
          return expectRefusal(answer, 400, [RPC.headerMismatch]);
        }),
      ),
  },
  {
    id: "method-header",
    title: "Mcp-Method that is missing or wrong is refused with 400 and -32020",
    severity: "error",
    reference: TRANSPORT,
    run: ({ send }) =>
      firstBad(
        ["tools/list", undefined].map((value) => async () => {
          return expectRefusal(await send(discover, withHeader("mcp-method", value)), 400, [RPC.headerMismatch]);
        }),
      ),
  },
  {
    id: "name-header",
    title: "Mcp-Name that is missing or wrong is refused with 400 and -32020",
    severity: "error",
    reference: TRANSPORT,
    run({ send, capabilities }) {
      if (!isObject(capabilities["tools"])) return skip("the server has no tools");
      const call = { method: "tools/call", params: { name: "mcpctl-test-none", arguments: {} } };
      return firstBad(
        ["mcpctl-test-other", undefined].map((value) => async () => {
          return expectRefusal(await send(call, withHeader("mcp-name", value)), 400, [RPC.headerMismatch]);
        }),
      );
    },
  },
];

const ENCODED_NAME_CHECK: Check<Peer> = {
  id: "encoded-name",
  title: "Mcp-Name in base64 is understood, as names that are no ASCII need it",
  severity: "error",
  reference: `${TRANSPORT}, Value Encoding`,
  async run({ send, capabilities }) {
    if (!isObject(capabilities["tools"])) return skip("the server has no tools");
    const name = "mcpctl-test-\u00e4";
    const answer = await send({ method: "tools/call", params: { name, arguments: {} }, name });
    return findErrorCode(answer) === RPC.headerMismatch ? violated(`got ${describeAnswer(answer)}`) : ok();
  },
};

const METHOD_CHECKS: readonly Check<Peer>[] = [
  {
    id: "unknown-method",
    title: "A method that does not exist is refused with 404 and -32601",
    severity: "error",
    reference: TRANSPORT,
    run: async ({ send }) => expectRefusal(await send({ method: NOWHERE }), 404, [RPC.methodNotFound]),
  },
  {
    id: "removed-methods",
    title: "Methods that the revision removed are refused with 404 and -32601",
    severity: "error",
    reference: "MCP 2026-07-28 changelog",
    async run({ send }) {
      const found: string[] = [];
      for (const [method, params = {}] of REMOVED) {
        const answer = await send({ method, params });
        const isRefused = answer.status === 404 && findErrorCode(answer) === RPC.methodNotFound;
        if (!isRefused) found.push(`${method} got ${describeAnswer(answer)}`);
      }
      return noneOf(found);
    },
  },
  {
    id: "session-ignored",
    title: "A session id changes nothing, and none is given out",
    severity: "warning",
    reference: TRANSPORT,
    async run({ send }) {
      const answer = await send(discover, withHeader("mcp-session-id", "mcpctl-test"));
      const given = answer.headers["mcp-session-id"];
      return given === undefined ? expectResult(answer) : violated("the answer carries Mcp-Session-Id");
    },
  },
  {
    id: "get",
    title: "GET is refused with 405",
    severity: "warning",
    reference: TRANSPORT,
    async run({ endpoint: { wire, headers } }) {
      const fields = { ...headers, accept: "text/event-stream", "mcp-protocol-version": MODERN_VERSION };
      return expectRefusal(
        await wire.send({ httpMethod: "GET", headers: fields, isDone: (seen) => seen.isStream }),
        405,
      );
    },
  },
];

/** The rules of the stateless revision, apart from lists and subscriptions. */
export const MODERN_CHECKS: readonly Check<Peer>[] = [
  ...DISCOVER_CHECKS,
  ...ENVELOPE_CHECKS,
  ENCODED_NAME_CHECK,
  ...METHOD_CHECKS,
];
