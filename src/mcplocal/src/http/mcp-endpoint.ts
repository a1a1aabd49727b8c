import type { IncomingMessage, ServerResponse } from "node:http";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { MODERN_VERSION } from "@mcpctl/shared/mcp/protocol.ts";
import type { Authenticator } from "../auth/authenticator.ts";
import type { Caller } from "../auth/principal.ts";
import { noSuchProject } from "../projects/discovery-cache.ts";
import type { Project } from "../projects/project.ts";
import type { ProjectRegistry } from "../projects/project-registry.ts";
import { type ClientMessage, parseClientMessage } from "../protocol/client-message.ts";
import { isModern } from "../protocol/modern-rules.ts";
import { readAccept, requireJsonBody } from "./accept.ts";
import type { Answerer } from "./answerer.ts";
import { readBody } from "./body.ts";
import type { IncomingCall } from "./incoming-call.ts";
import type { BodilessCall, LegacyEndpoint } from "./legacy-endpoint.ts";

const QUERY_CREDENTIAL = /[?&](?:access_?token|token|api_?key|auth(?:orization)?|bearer)=|mcpctl_[a-z]+_/i;

interface McpEndpointDeps {
  authenticator: Authenticator;
  projects: ProjectRegistry;
  answerer: Answerer;
  modern: (call: IncomingCall, message: ClientMessage) => Promise<void>;
  legacy: LegacyEndpoint;
  /** The gateway's own credential for mcpd, used instead of the caller's. */
  credential: string | undefined;
}

export type McpEndpoint = (
  request: IncomingMessage,
  response: ServerResponse,
  projectName: string | undefined,
) => Promise<void>;

/** Serves an MCP endpoint to clients of both eras. The token is checked before anything is said about anything. */
export function createMcpEndpoint(deps: McpEndpointDeps): McpEndpoint {
  const { authenticator, projects, answerer, modern, legacy, credential } = deps;

  async function authenticate({ url = "", headers: { authorization } }: IncomingMessage): Promise<Caller> {
    if (QUERY_CREDENTIAL.test(url)) throw credentialInQuery();
    const caller = authenticator.findCached(authorization) ?? (await authenticator.authenticate(authorization));
    return credential === undefined ? caller : { principal: caller.principal, bearer: credential };
  }

  function findProject({ principal, bearer }: Caller, name: string | undefined): Project | Promise<Project> {
    if (name !== undefined && name !== principal.project) throw noSuchProject();
    return projects.find(principal.project, bearer) ?? projects.load(principal.project, bearer);
  }

  async function post(call: BodilessCall): Promise<void> {
    const { request, response } = call;
    requireJsonBody(request.headers);
    const accepted = readAccept(request.headers);
    const message = parseClientMessage(await readBody(request));
    const serve = isModern(message, request.headers) ? modern : legacy.post;
    try {
      await serve({ ...call, accepted }, message);
    } catch (thrown) {
      answerer.refuse(response, thrown, message.type === "request" ? message.id : undefined);
    }
  }

  async function route(call: BodilessCall): Promise<void> {
    const { method, headers } = call.request;
    if (method === "POST") return post(call);
    // Only a session has a stream to open or an end to come to.
    const hasSession = headers["mcp-session-id"] !== undefined && headers["mcp-protocol-version"] !== MODERN_VERSION;
    if (method === "GET" && hasSession) return legacy.get(call);
    if (method === "DELETE" && hasSession) return legacy.delete(call);
    call.response.setHeader("allow", "POST");
    throw new McpctlError("method-not-allowed", "This endpoint takes POST; GET and DELETE belong to a session");
  }

  return async function serveMcp(request, response, projectName) {
    try {
      const caller = await authenticate(request);
      await route({ request, response, caller, project: await findProject(caller, projectName) });
    } catch (thrown) {
      answerer.refuse(response, thrown);
    }
  };
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
