import { McpctlError } from "@mcpctl/shared/errors.ts";
import { MODERN_VERSION, type RequestId } from "@mcpctl/shared/mcp/protocol.ts";
import type { RequestLoad, RequestLoads } from "@mcpctl/shared/request-loads.ts";
import type { Authenticator } from "../auth/authenticator.ts";
import { toHeaderBlock } from "../http1/header-block.ts";
import type { ServerExchange } from "../http1/server/server-exchange.ts";
import { noSuchProject } from "../projects/discovery-cache.ts";
import type { ProjectRegistry } from "../projects/project-registry.ts";
import { type ClientMessage, parseClientMessage } from "../protocol/client-message.ts";
import { isModern } from "../protocol/modern-rules.ts";
import { readAccept, requireJsonBody } from "./accept.ts";
import type { Answerer } from "./answerer.ts";
import { readBody } from "./body.ts";
import type { IncomingCall } from "./incoming-call.ts";
import type { BodilessCall, LegacyEndpoint } from "./legacy-endpoint.ts";

/** What most clients ask for. */
const OWN_PATH = "/mcp";
const ALLOW_POST = toHeaderBlock({ allow: "POST" });
const QUERY_CREDENTIAL = /[?&](?:access_?token|token|api_?key|auth(?:orization)?|bearer)=|mcpctl_[a-z]+_/i;

interface McpEndpointDeps {
  authenticator: Authenticator;
  projects: ProjectRegistry;
  loads: RequestLoads;
  answerer: Answerer;
  modern: (call: IncomingCall, message: ClientMessage) => Promise<void> | void;
  legacy: LegacyEndpoint;
  /** The gateway's own credential for mcpd, used instead of the caller's. */
  credential: string | undefined;
}

export type McpEndpoint = (exchange: ServerExchange, projectName: string | undefined) => Promise<void>;

/**
 * Serves an MCP endpoint to clients of both eras. The token is checked before anything is said about anything. Nothing
 * is waited for but the body and the answer, once token and project are known.
 */
export function createMcpEndpoint(deps: McpEndpointDeps): McpEndpoint {
  const { authenticator, projects, loads, answerer, modern, legacy, credential } = deps;

  return async function serveMcp(exchange, projectName) {
    let id: RequestId | undefined;
    let load: RequestLoad | undefined;
    try {
      const { target, headers } = exchange;
      if (target !== OWN_PATH && QUERY_CREDENTIAL.test(target)) throw credentialInQuery();
      const authorization = headers.get("authorization");
      const known = authenticator.findCached(authorization) ?? (await authenticator.authenticate(authorization));
      const caller = credential === undefined ? known : { principal: known.principal, bearer: credential };
      const { project: name } = caller.principal;
      if (projectName !== undefined && projectName !== name) throw noSuchProject();
      const project = projects.find(name, caller.bearer) ?? (await projects.load(name, caller.bearer));
      if (exchange.method !== "POST") return serveBodiless({ exchange, caller, project }, legacy);
      requireJsonBody(headers);
      const accepted = readAccept(headers);
      load = loads.begin(caller.principal.sha);
      const body = await readBody(exchange, load);
      const message = parseClientMessage(body);
      if (message.type === "request") id = message.id;
      const serve = isModern(message, headers) ? modern : legacy.post;
      await serve({ exchange, caller, project, accepted, requestBytes: body.length }, message);
    } catch (thrown) {
      answerer.refuse(exchange, thrown, id);
    } finally {
      load?.end();
    }
  };
}

/** Only a session has a stream to open or an end to come to. */
function serveBodiless(call: BodilessCall, legacy: LegacyEndpoint): void {
  const { method, headers } = call.exchange;
  const hasSession =
    headers.get("mcp-session-id") !== undefined && headers.get("mcp-protocol-version") !== MODERN_VERSION;
  if (method === "GET" && hasSession) return legacy.get(call);
  if (method === "DELETE" && hasSession) return legacy.delete(call);
  call.exchange.addHeaders(ALLOW_POST);
  throw new McpctlError("method-not-allowed", "This endpoint takes POST; GET and DELETE belong to a session");
}

function credentialInQuery(): McpctlError {
  return new McpctlError(
    "bad-request",
    "Credentials in the address are not accepted, because addresses end up in logs",
    {
      hint: "Send the header: Authorization: Bearer <token>",
    },
  );
}
