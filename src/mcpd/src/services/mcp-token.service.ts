import { isDeepStrictEqual } from "node:util";
import type { Introspection } from "@mcpctl/shared/api/contracts.ts";
import { parseTtl } from "@mcpctl/shared/duration.ts";
import { McpctlError, notFound } from "@mcpctl/shared/errors.ts";
import { normalizeBinding } from "@mcpctl/shared/kinds/index.ts";
import type { ResourceRef } from "@mcpctl/shared/kinds/kind.ts";
import { manifestSchema } from "@mcpctl/shared/kinds/kind.ts";
import { type McpToken, mcpTokens, type McpTokenStatus } from "@mcpctl/shared/kinds/mcp-tokens.ts";
import type { RoleBinding } from "@mcpctl/shared/kinds/rbac-definitions.ts";
import type { TokenPrincipal, UserPrincipal } from "@mcpctl/shared/rbac/principal.ts";
import { generateToken, hashToken, isMcpToken } from "@mcpctl/shared/tokens/index.ts";
import { parseWith } from "@mcpctl/shared/validate.ts";
import type { Database, Repositories, TokenRow } from "../repositories/interfaces.ts";
import { createTokenDefinition, deleteTokenDefinition, definitionName } from "../hooks/token-definition.ts";
import type { AuditService } from "./audit.service.ts";
import type { RbacService, RbacState } from "./rbac.service.ts";
import type { RecentReads } from "./recent-reads.ts";
import type { RequestContext } from "./request-context.ts";

interface McpTokenServiceDeps {
  database: Pick<Database, "read" | "transact">;
  reads: RecentReads;
  audit: AuditService;
  rbac: RbacService;
  /** Told of every use; uses are written in batches, because they are many and worth little. */
  onUsed(sha: string): void;
}

export type McpTokenService = ReturnType<typeof createMcpTokenService>;

/** A freshly minted token: the only answer that ever holds the raw form. */
export type MintedMcpToken = McpToken & { token: string };

const schema = manifestSchema(mcpTokens);

export function createMcpTokenService({ database, reads, audit, rbac, onUsed }: McpTokenServiceDeps) {
  async function findActive(raw: string): Promise<{ principal: TokenPrincipal; row: TokenRow } | undefined> {
    if (!isMcpToken(raw)) return undefined;
    const sha = hashToken(raw);
    const row = await reads.read(`mcptoken ${sha}`, () => database.read.mcpTokens.findBySha(sha));
    if (!row || row.isExpired || row.isRevoked || row.creator.spec.disabled) return undefined;
    const principal = principalOfToken(await rbac.current(), row);
    onUsed(principal.sha);
    return { principal, row };
  }

  return {
    /** Who a raw token stands for, with its creator's groups; undefined for unknown, expired, revoked or orphaned. */
    authenticate: async (raw: string): Promise<TokenPrincipal | undefined> => (await findActive(raw))?.principal,

    create: (context: RequestContext, body: unknown) => mint({ audit, rbac }, context, body),

    /** Ends a token for good; revoking twice changes nothing. @throws {McpctlError} `not-found` */
    revoke(context: RequestContext, ref: ResourceRef): Promise<McpToken> {
      const deed = { verb: "revoke", resource: "mcptokens", name: ref.name, project: ref.project };
      return audit.mutate(context, deed, async (repositories) => {
        const token = await repositories.resources.find<McpToken>(ref);
        if (!token?.status) throw notFound("mcptoken", ref.name);
        if (token.status.revokedAt !== undefined) return token;
        await deleteTokenDefinition({ repositories, context }, token);
        const status: McpTokenStatus = { ...token.status, phase: "Revoked", revokedAt: await repositories.now() };
        const found = { plural: "mcptokens", project: token.metadata.project ?? "", name: token.metadata.name };
        const revoked = await repositories.resources.replaceStatus<McpToken>(found, status);
        if (!revoked) throw notFound("mcptoken", ref.name);
        return revoked;
      });
    },

    /** What a gateway asks about the bearer of a request; alike for unknown, expired, revoked and powerless. */
    async introspect(raw: string | undefined): Promise<Introspection> {
      const found = raw === undefined ? undefined : await findActive(raw);
      if (!found) return { active: false };
      const { principal, row } = found;
      const use = { verb: "use", resource: "projects", name: principal.project } as const;
      if (!(await rbac.current()).canAccess(principal, use).allowed) return { active: false };
      const expiresAt = row.token.status?.expiresAt;
      return {
        active: true,
        name: principal.name,
        project: principal.project,
        sha: principal.sha,
        creator: principal.creator.name,
        ...(expiresAt !== undefined && { expiresAt }),
      };
    },
  };
}

/**
 * Mints a token of a project for the user who asks.
 *
 * @throws {McpctlError} `forbidden` (a token asks, or the user lacks one of the bindings), `not-found` (no such project, or the user may not view it),
 *   `already-exists`, `invalid`.
 */
async function mint(
  { audit, rbac }: Pick<McpTokenServiceDeps, "audit" | "rbac">,
  context: RequestContext,
  body: unknown,
): Promise<MintedMcpToken> {
  const { metadata, spec } = parseWith(schema, body, "The mcptoken");
  const { name, project, labels, annotations } = metadata;
  const { principal } = context;
  if (principal.kind !== "User") throw new McpctlError("forbidden", "Only a user can mint tokens");
  if (project === undefined) throw missingProject();
  const ttl = parseTtl(spec.ttl ?? "never");
  const { raw, sha } = generateToken();
  const wanted = wantedBindings(spec);
  const content = { labels, annotations, managedFields: [], spec: { rbac: spec.rbac } };
  const deed = { verb: "create", resource: "mcptokens", name, project };
  const token = await audit.mutate(context, deed, async (repositories) => {
    const state = await rbac.within(repositories);
    const owners = await findOwners(repositories, state, principal.name, project);
    const bindings = heldBindings(state, state.userPrincipal(principal.name), wanted);
    const expiresAt = await expiryOf(repositories, ttl);
    const definition = definitionName({ project, name }, bindings);
    const status: McpTokenStatus = {
      phase: "Active",
      creator: principal.name,
      sha,
      ...(definition !== undefined && { definition }),
      ...(expiresAt !== undefined && { expiresAt }),
    };
    const ref = { plural: "mcptokens", project, name };
    const stored = await repositories.resources.insert<McpToken>(ref, "McpToken", content, status);
    if (definition !== undefined) {
      await createTokenDefinition({ repositories, context }, { definition, project, name, sha }, bindings);
    }
    await repositories.mcpTokens.insert({ uid: stored.metadata.uid, sha, ...owners });
    return stored;
  });
  return { ...token, token: raw };
}

/** What a manifest asks for: bindings, or whatever the creator holds. @throws {McpctlError} `invalid` */
function wantedBindings({ rbac, roleBindings }: McpToken["spec"]): RoleBinding[] | "clone" {
  if (rbac === "explicit" && roleBindings !== undefined && roleBindings.length > 0) {
    return roleBindings.map(normalizeBinding);
  }
  if (rbac !== "explicit" && roleBindings === undefined) return rbac === "clone" ? "clone" : [];
  throw new McpctlError("invalid", "rbac: explicit and roleBindings go together", {
    hint: "Write both, or rbac: empty or clone without roleBindings",
    fields: [
      { path: "spec.roleBindings", message: rbac === "explicit" ? "is missing" : `goes not with rbac: ${rbac}` },
    ],
  });
}

/** @throws {McpctlError} `forbidden`, listing what the creator lacks. */
function heldBindings(state: RbacState, creator: UserPrincipal, wanted: RoleBinding[] | "clone"): RoleBinding[] {
  if (wanted !== "clone") {
    state.requireCover(creator, wanted, "mint this token");
    return wanted;
  }
  const held = state.getPermissions(creator).map(({ binding }) => binding);
  return held.filter((binding, at) => held.findIndex((other) => isDeepStrictEqual(other, binding)) === at);
}

/** Who a token stands for, with its creator's groups as they are in that state. */
export function principalOfToken(state: RbacState, { token, creator }: TokenRow): TokenPrincipal {
  return {
    kind: "McpToken",
    name: token.metadata.name,
    project: token.metadata.project ?? "",
    sha: token.status?.sha ?? "",
    creator: state.userPrincipal(creator.metadata.name),
  };
}

async function findOwners(
  { resources }: Repositories,
  state: RbacState,
  creator: string,
  project: string,
): Promise<{ projectUid: string; creatorUid: string }> {
  const view = { verb: "get", resource: "projects", name: project } as const;
  const mayView = state.canAccess(state.userPrincipal(creator), view).allowed;
  const found = mayView ? await resources.find({ plural: "projects", project: "", name: project }) : undefined;
  if (!found) throw notFound("project", project);
  const user = await resources.find({ plural: "users", project: "", name: creator });
  if (!user) throw notFound("user", creator);
  return { projectUid: found.metadata.uid, creatorUid: user.metadata.uid };
}

async function expiryOf({ now }: Repositories, ttl: ReturnType<typeof parseTtl>): Promise<string | undefined> {
  if (ttl === "never") return undefined;
  const present = Date.parse(await now());
  const end = "at" in ttl ? Date.parse(ttl.at) : present + ttl.afterSeconds * 1000;
  if (end > present) return new Date(end).toISOString();
  throw new McpctlError("invalid", "The token would end in the past", {
    fields: [{ path: "spec.ttl", message: "lies in the past" }],
  });
}

function missingProject(): McpctlError {
  return new McpctlError("invalid", "A token belongs to a project", {
    hint: "Say which with -p PROJECT, or metadata.project",
    fields: [{ path: "metadata.project", message: "is missing" }],
  });
}
