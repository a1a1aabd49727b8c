import type { Message, SeenRequest } from "../../../../tests/fixtures/http-fixture-server.ts";
import {
  type Decide,
  isModern,
  KEY,
  MODERN,
  type Plant,
  refuse,
  type Reply,
  TOKEN,
} from "../fakes/conforming-server.ts";

type When = (seen: SeenRequest) => boolean;

const NO_METHOD = "mcpctl-test/no-such-method";
const bearer = `Bearer ${TOKEN}`;

const era =
  (name: "modern" | "legacy"): When =>
  (seen) =>
    isModern(seen) === (name === "modern");
const calls =
  (method: string, name: "modern" | "legacy" = "modern"): When =>
  (seen) =>
    seen.body["method"] === method && era(name)(seen);
const has =
  (header: string): When =>
  ({ headers }) =>
    headers[header] !== undefined;
const all =
  (...conditions: When[]): When =>
  (seen) =>
    conditions.every((holds) => holds(seen));

/** Does not see what the rule is about. */
function blind(when: When, change: (seen: SeenRequest) => SeenRequest): Plant {
  return (seen, decide) => decide(when(seen) ? change(seen) : seen);
}

function instead(when: When, answer: (seen: SeenRequest, decide: Decide) => Reply): Plant {
  return (seen, decide) => (when(seen) ? answer(seen, decide) : decide(seen));
}

/** Changes the result of an answer. */
function result(when: When, change: (result: Message, seen: SeenRequest) => Message): Plant {
  return instead(when, (seen, decide) => {
    const reply = decide(seen);
    if (!reply.message?.["result"]) return reply;
    return { ...reply, message: { ...reply.message, result: change(reply.message["result"], seen) } };
  });
}

function setHeader(name: string, value: string | undefined): (seen: SeenRequest) => SeenRequest {
  return (seen) => ({ ...seen, headers: { ...seen.headers, [name]: value } });
}

function setMeta(key: string, value: unknown): (seen: SeenRequest) => SeenRequest {
  return (seen) => {
    const params = seen.body["params"] ?? {};
    return { ...seen, body: { ...seen.body, params: { ...params, _meta: { ...params._meta, [key]: value } } } };
  };
}

const isOfTest: When = ({ body }) => body["params"].uri.startsWith("mcpctl-test:");
const isDiscover = calls("server/discover");
const meta = (seen: SeenRequest) => seen.body["params"]?._meta ?? {};
const replaceTools = (change: (tools: Message[]) => Message[]) => (page: Message) => ({
  ...page,
  tools: change(page["tools"]),
});
const addTool = (tool: Message) => replaceTools((tools) => [...tools, tool]);
const object = { type: "object" };

/** Answers lists of tools in another way from the second walk on; of all walks the first is what other checks judge. */
function later(name: "modern" | "legacy", change: (tools: Message[]) => Message[]): Plant {
  let walks = 0;
  return (seen, decide) => {
    const isFirstPage = calls("tools/list", name)(seen) && seen.body["params"]?.cursor === undefined;
    if (!isFirstPage) return decide(seen);
    walks += 1;
    return walks === 1 ? decide(seen) : result(() => true, replaceTools(change))(seen, decide);
  };
}

const ENDPOINT_PLANTS: Record<string, Plant> = {
  "endpoint.answer-type": instead(isDiscover, (seen, decide) => ({
    ...decide(seen),
    headers: { ...decide(seen).headers, "content-type": "text/plain" },
  })),
  "endpoint.origin": blind(has("origin"), setHeader("origin", undefined)),
  "endpoint.host": blind((seen) => seen.headers.host !== undefined, setHeader("host", "127.0.0.1")),
  "endpoint.malformed-json": instead(
    ({ isJson, httpMethod }) => !isJson && httpMethod === "POST",
    () => ({ status: 200, message: { id: null, result: {} } }),
  ),
  "endpoint.content-type": blind(
    ({ headers }) => headers["content-type"] === "text/plain",
    setHeader("content-type", "application/json"),
  ),
  "endpoint.accept": blind(({ headers }) => headers.accept === "text/html", setHeader("accept", "application/json")),
};

const AUTH_PLANTS: Record<string, Plant> = {
  "auth.no-token": blind(
    (seen) => !has("authorization")(seen) && seen.httpMethod === "POST",
    setHeader("authorization", bearer),
  ),
  "auth.wrong-token": blind(has("authorization"), setHeader("authorization", bearer)),
  "auth.challenge": (seen, decide) => ({ ...decide(seen), ...(!has("authorization")(seen) && { headers: {} }) }),
  "auth.other-methods": instead(
    (seen) => seen.httpMethod === "DELETE" && !has("authorization")(seen),
    () => ({ status: 405 }),
  ),
  "auth.query": blind(({ path }) => path.includes("access_token="), setHeader("authorization", bearer)),
  "auth.resource-metadata": (seen, decide) => {
    const metadata = { resource: "https://elsewhere.example", authorization_servers: ["https://id.example"] };
    if (seen.path === "/metadata") return { status: 200, message: metadata };
    const reply = decide(seen);
    const challenge = `Bearer resource_metadata="http://${seen.headers.host}/metadata"`;
    return reply.status === 401 ? { ...reply, headers: { "www-authenticate": challenge } } : reply;
  },
  "auth.well-known": instead(
    ({ path }) => path.startsWith("/.well-known/"),
    () => ({ status: 404, text: "<html>" }),
  ),
};

const MODERN_PLANTS: Record<string, Plant> = {
  "modern.discover-fields": result(isDiscover, (found) => ({ ...found, instructions: 5 })),
  "modern.discover-cache": result(isDiscover, (found) => ({ ...found, ttlMs: -1 })),
  "modern.server-info": result(isDiscover, (found) => ({ ...found, _meta: {} })),
  "modern.missing-meta": blind(
    all(isDiscover, (seen) => Object.keys(meta(seen)).length === 0),
    (seen) => setMeta(`${KEY}clientCapabilities`, {})(setMeta(`${KEY}protocolVersion`, MODERN)(seen)),
  ),
  "modern.missing-capabilities": blind(
    all(isDiscover, (seen) => meta(seen)[`${KEY}protocolVersion`] !== undefined),
    setMeta(`${KEY}clientCapabilities`, {}),
  ),
  "modern.unsupported-version": instead(
    (seen) => seen.headers["mcp-protocol-version"] === "1999-01-01",
    (seen) => refuse(seen, 400, -32022),
  ),
  "modern.version-header": blind(
    all(isDiscover, (seen) => meta(seen)[`${KEY}protocolVersion`] === MODERN),
    setHeader("mcp-protocol-version", MODERN),
  ),
  "modern.method-header": blind(isDiscover, setHeader("mcp-method", "server/discover")),
  "modern.name-header": blind(
    all(calls("tools/call"), ({ body }) => body["params"].name === "mcpctl-test-none"),
    (seen) => setHeader("mcp-name", seen.body["params"].name)(seen),
  ),
  "modern.encoded-name": instead(
    all(calls("tools/call"), ({ headers }) => String(headers["mcp-name"]).startsWith("=?base64?")),
    (seen) => refuse(seen, 400, -32020),
  ),
  "modern.unknown-method": instead(calls(NO_METHOD), (seen) => refuse(seen, 200, -32601)),
  "modern.removed-methods": instead(calls("ping"), ({ body }) => ({
    status: 200,
    message: { id: body["id"], result: {} },
  })),
  "modern.session-ignored": instead(all(era("modern"), has("mcp-session-id")), (seen) => refuse(seen, 404, -32600)),
  "modern.get": instead(
    all(era("modern"), ({ httpMethod }) => httpMethod === "GET"),
    () => ({ status: 200, events: [] }),
  ),
  "modern.listen": instead(calls("subscriptions/listen"), () => ({
    status: 200,
    events: [{ method: "notifications/subscriptions/acknowledged", params: { notifications: {} } }],
  })),
  "modern.list-cache": result(calls("prompts/list"), ({ ttlMs: _, ...found }) => found),
  "modern.result-type": result(calls("resources/list"), ({ resultType: _, ...found }) => found),
  "modern.x-mcp-header": result(
    all(calls("tools/list"), ({ body }) => body["params"].cursor === undefined),
    addTool({ name: "nested", inputSchema: { ...object, properties: { a: { ...object, "x-mcp-header": "A" } } } }),
  ),
};

const LEGACY_PLANTS: Record<string, Plant> = {
  "legacy.initialize-fields": result(calls("initialize", "legacy"), (found) => ({
    ...found,
    serverInfo: { name: "x" },
  })),
  "legacy.version-negotiation": instead(
    all(calls("initialize", "legacy"), ({ body }) => body["params"].protocolVersion === "1999-01-01"),
    (seen) => refuse(seen, 200, -32602),
  ),
  "legacy.notification": instead(calls("notifications/initialized", "legacy"), () => ({ status: 200, message: {} })),
  "legacy.ping": instead(
    all(calls("ping", "legacy"), ({ headers }) => headers["mcp-session-id"] === "session-1"),
    (seen, decide) => {
      const reply = decide(seen);
      return reply.status === 200 ? refuse(seen, 200, -32603) : reply;
    },
  ),
  "legacy.set-level": instead(calls("logging/setLevel", "legacy"), (seen) => refuse(seen, 200, -32601)),
  "legacy.subscribe": instead(calls("resources/unsubscribe", "legacy"), (seen) => refuse(seen, 200, -32601)),
  "legacy.unknown-method": instead(calls(NO_METHOD, "legacy"), (seen) => refuse(seen, 200, -32603)),
  "legacy.version-header": blind(
    (seen) => seen.headers["mcp-protocol-version"] === "bogus",
    setHeader("mcp-protocol-version", "2025-11-25"),
  ),
  "legacy.session-id": (seen, decide) => {
    const reply = decide(
      setHeader("mcp-session-id", seen.headers["mcp-session-id"]?.toString().replace(" ", "-"))(seen),
    );
    const given = reply.headers?.["mcp-session-id"];
    return given === undefined ? reply : { ...reply, headers: { "mcp-session-id": given.replace("-", " ") } };
  },
  "legacy.session-missing": blind(
    all(calls("ping", "legacy"), (seen) => !has("mcp-session-id")(seen)),
    setHeader("mcp-session-id", "session-1"),
  ),
  "legacy.session-unknown": instead(
    all(era("legacy"), has("mcp-session-id"), (seen) => !String(seen.headers["mcp-session-id"]).startsWith("session-")),
    (seen) => refuse(seen, 400, -32600),
  ),
  "legacy.session-delete": instead(
    all(era("legacy"), ({ httpMethod }) => httpMethod === "DELETE", has("authorization")),
    () => ({ status: 200 }),
  ),
  "legacy.get": instead(
    all(era("legacy"), ({ httpMethod }) => httpMethod === "GET", has("mcp-session-id")),
    () => ({ status: 200, text: "" }),
  ),
};

/** What may be broken in either era. */
function commonPlants(name: "modern" | "legacy"): Record<string, Plant> {
  const lists = calls("tools/list", name);
  const firstPage = all(lists, ({ body }) => body["params"]?.cursor === undefined);
  return {
    [`${name}.lists`]: instead(calls("prompts/list", name), (seen) => refuse(seen, 200, -32603)),
    [`${name}.pagination`]: result(
      all(lists, ({ body }) => body["params"]?.cursor === "second"),
      (page) => ({ ...page, nextCursor: "second" }),
    ),
    [`${name}.bad-cursor`]: blind(
      all(lists, ({ body }) => String(body["params"]?.cursor).startsWith("mcpctl-test")),
      (seen) => ({ ...seen, body: { ...seen.body, params: { ...seen.body["params"], cursor: undefined } } }),
    ),
    [`${name}.item-fields`]: result(calls("prompts/list", name), (found) => ({
      ...found,
      prompts: [...found["prompts"], { title: "x" }],
    })),
    [`${name}.list-stable`]: later(name, (tools) =>
      tools.map((tool) => (tool["name"] === "fail" ? { ...tool, name: "f" } : tool)),
    ),
    [`${name}.list-order`]: later(name, (tools) => tools.toReversed()),
    [`${name}.tool-names`]: result(firstPage, addTool({ name: "a space", inputSchema: object })),
    [`${name}.tool-names-unique`]: result(firstPage, addTool({ name: "old", inputSchema: object })),
    [`${name}.input-schemas`]: result(
      firstPage,
      addTool({ name: "odd", inputSchema: { ...object, properties: { a: { $ref: "https://elsewhere.example/a" } } } }),
    ),
    [`${name}.output-schemas`]: result(
      firstPage,
      addTool({ name: "odd", inputSchema: object, outputSchema: { type: "objct" } }),
    ),
    [`${name}.error-ids`]: instead(calls(NO_METHOD, name), (seen, decide) => {
      const reply = decide(seen);
      return { ...reply, message: { ...reply.message, id: String(seen.body["id"]) } };
    }),
    [`${name}.unknown-tool`]: instead(
      all(
        calls("tools/call", name),
        ({ headers, body }) => name === "legacy" || headers["mcp-name"] === body["params"].name,
      ),
      ({ body }) => ({ status: 200, message: { id: body["id"], result: { isError: true, content: [] } } }),
    ),
    [`${name}.resource-read`]: result(calls("resources/read", name), (found) => ({ ...found, contents: [{}] })),
    [`${name}.prompt-get`]: result(calls("prompts/get", name), (found) => ({ ...found, messages: [{ role: "x" }] })),
    [`${name}.completion`]: result(calls("completion/complete", name), () => ({ resultType: "complete", values: [] })),
    [`${name}.unknown-prompt`]: instead(
      all(calls("prompts/get", name), ({ body }) => body["params"].name.startsWith("mcpctl-test")),
      ({ body }) => ({ status: 200, message: { id: body["id"], result: { messages: [] } } }),
    ),
    [`${name}.unknown-resource`]: instead(all(calls("resources/read", name), isOfTest), ({ body }) => ({
      status: 200,
      message: { id: body["id"], result: { contents: [] } },
    })),
  };
}

/** By the id of the check that must find it, and no other check may. */
export const PLANTS: Readonly<Record<string, Plant>> = {
  ...ENDPOINT_PLANTS,
  ...AUTH_PLANTS,
  ...MODERN_PLANTS,
  ...commonPlants("modern"),
  ...LEGACY_PLANTS,
  ...commonPlants("legacy"),
};
