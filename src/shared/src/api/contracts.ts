import * as z from "zod";
import { roleBinding } from "../kinds/rbac-definitions.ts";
import { toolPolicy } from "../kinds/tool-policy.ts";

/** Media type of an applied manifest: JSON, without defaults, merged by the server. */
export const APPLY_MEDIA_TYPE = "application/apply-patch+json";

/** Every path of the REST API that is not derived from a kind. */
export const API = {
  login: "/api/v1/login",
  logout: "/api/v1/logout",
  whoami: "/api/v1/whoami",
  sessions: "/api/v1/sessions",
  ownPassword: "/api/v1/password",
  introspect: "/api/v1/mcptokens/introspect",
  /** Event stream without content: an event means that tokens are to be introspected anew. */
  identityChanges: "/api/v1/auth/changes",
  canI: "/api/v1/auth/can-i",
  permissions: "/api/v1/auth/permissions",
  rotateSecrets: "/api/v1/secrets/rotate",
  version: "/version",
  readiness: "/readyz",
  discovery: (project: string) => `/api/v1/projects/${encodeURIComponent(project)}/discovery`,
  relay: (project: string, server: string) =>
    `/api/v1/projects/${encodeURIComponent(project)}/servers/${encodeURIComponent(server)}/mcp`,
} as const;

/**
 * Token of the Upgrade header with which a GET of the relay becomes a link, for servers that mcpd runs. After the 101
 * each line in either direction is one JSON-RPC message, as in MCP's stdio transport; a connection serves one server,
 * under the bearer that opened it. What the relay refuses over HTTP it refuses on a link. mcpd says unasked that the
 * tools have changed, adds the envelope of the stateless era itself, and ends the link when the right to it ends.
 */
export const RELAY_LINK = "mcpctl-relay";

export const loginRequest = z.strictObject({
  user: z.string().min(1).max(128).describe("Name of the user."),
  password: z.string().min(1).max(1_024).describe("The user's password."),
});

export const loginResponse = z.object({
  token: z.string().describe("Session bearer; shown once."),
  expiresAt: z.iso.datetime().describe("When the session ends."),
});
export type LoginResponse = z.output<typeof loginResponse>;

export const passwordRequest = z.strictObject({
  password: z.string().min(12).max(1_024).describe("The new password, at least 12 characters."),
});

export const ownPasswordRequest = passwordRequest.extend({
  oldPassword: z.string().min(1).max(1_024).describe("The present password."),
});

export const ownSessions = z.object({
  items: z.array(
    z.object({
      id: z.string().describe("Names the session; it is no bearer."),
      method: z.string().describe("How it was opened: password, oidc or local."),
      address: z.string().describe("Where the login came from; empty for a local one."),
      createdAt: z.string().describe("When it was opened."),
      lastUsedAt: z.string().describe("When it was used last, within some seconds."),
      expiresAt: z.string().describe("When it ends at the latest."),
      isCurrent: z.boolean().describe("Whether it is the session that asks."),
    }),
  ),
});
export type OwnSession = z.output<typeof ownSessions>["items"][number];

export const whoamiResponse = z.object({
  kind: z.enum(["User", "McpToken", "Gateway", "System"]).describe("What is asking."),
  name: z.string().describe("Its name."),
  project: z.string().optional().describe("Project of a token."),
  creator: z.string().optional().describe("Creator of a token."),
  groups: z.array(z.string()).describe("Groups of the user."),
});
export type Whoami = z.output<typeof whoamiResponse>;

/** Whether a principal may do something, and what decided it. */
export const accessReview = z.object({
  principal: z.string().describe("Who was asked about, such as User:alice."),
  allowed: z.boolean().describe("Whether it may."),
  by: z.string().describe("The binding that allows it; or why none does, for a token also the limit by its creator."),
});
export type AccessReview = z.output<typeof accessReview>;

export const permissionsResponse = z.object({
  principal: z.string().describe("Who was asked about, such as User:alice."),
  permissions: z
    .array(
      z.object({
        definition: z.string().describe("RbacDefinition that grants it."),
        binding: roleBinding.describe("What is granted."),
        limitedBy: z
          .string()
          .optional()
          .describe("Why it grants nothing now, or less: what the token's creator lacks."),
      }),
    )
    .describe("Every binding that the principal holds."),
  project: z.string().optional().describe("Project that a token may use without a binding."),
});
export type Permissions = z.output<typeof permissionsResponse>;

/** Answers alike for unknown, expired and revoked: `{ active: false }` and nothing else. */
export const introspection = z.union([
  z.object({
    active: z.literal(true),
    name: z.string().describe("Name of the token."),
    project: z.string().describe("Its project."),
    sha: z.string().describe("Its hex SHA-256."),
    creator: z.string().describe("User who minted it."),
    expiresAt: z.iso.datetime().optional().describe("When it stops working."),
  }),
  z.object({ active: z.literal(false) }),
]);
export type Introspection = z.output<typeof introspection>;

export const secretsRotation = z.object({
  keyId: z.string().describe("Id of the key that encrypts now."),
  rewrapped: z.int().describe("Objects that were brought under it just now."),
  remaining: z.int().describe("Objects that still need another key."),
});
export type SecretsRotation = z.output<typeof secretsRotation>;

export const versionResponse = z.object({ version: z.string().describe("Version of mcpd.") });

const discoveredServer = z.object({
  name: z.string().describe("Name of the server."),
  revision: z.string().describe("Changes whenever the server's spec or running process does."),
  url: z.string().describe("Where it speaks Streamable HTTP; relative to mcpd's base URL when it begins with /."),
  headers: z.record(z.string(), z.string()).default({}).describe("Headers to send; only to callers that may resolve."),
  isRelay: z.boolean().describe("Whether url is mcpd's relay, which takes the caller's own bearer."),
  hasLink: z
    .boolean()
    .exactOptional()
    .describe(`Whether the relay at url takes an upgrade to ${RELAY_LINK}; absent from an mcpd that knows none.`),
  timeoutSeconds: z.int().describe("Limit for one request."),
  tools: toolPolicy,
  fault: z
    .object({ reason: z.string(), message: z.string() })
    .optional()
    .describe("Why the server cannot be used now, as its Ready condition says."),
});

/** What a gateway must know to serve a project. */
export const discovery = z.object({
  project: z.object({
    name: z.string(),
    naming: z.enum(["prefix", "transparent"]),
    proxyModel: z.string(),
    tools: toolPolicy,
  }),
  servers: z.array(discoveredServer).describe("In the project's order."),
});
export type Discovery = z.output<typeof discovery>;
export type DiscoveredServer = z.output<typeof discoveredServer>;
