import type { AccessReview, Permissions } from "@mcpctl/shared/api/contracts.ts";
import { McpctlError, notFound } from "@mcpctl/shared/errors.ts";
import { findKind } from "@mcpctl/shared/kinds/index.ts";
import type { McpToken } from "@mcpctl/shared/kinds/mcp-tokens.ts";
import type { RoleBinding } from "@mcpctl/shared/kinds/rbac-definitions.ts";
import type { Decision } from "@mcpctl/shared/rbac/evaluate.ts";
import { type Principal, principalName } from "@mcpctl/shared/rbac/principal.ts";
import { ACTIONS, ANY_RESOURCE, ROLE_VERBS } from "@mcpctl/shared/rbac/vocabulary.ts";
import { closest } from "@mcpctl/shared/suggest.ts";
import type { Database } from "../repositories/interfaces.ts";
import { principalOfToken } from "./mcp-token.service.ts";
import type { RbacService, RbacState } from "./rbac.service.ts";
import type { RequestContext } from "./request-context.ts";

interface AccessReviewDeps {
  database: Pick<Database, "read">;
  rbac: RbacService;
}

export interface AccessQuestion {
  verb: string;
  resource: string;
  name?: string | undefined;
  /** Whom it is about: `User:NAME`, `McpToken:SHA` or `McpToken:PROJECT/NAME`; whoever asks when absent. */
  as?: string | undefined;
}

export type AccessReviewService = ReturnType<typeof createAccessReviewService>;

const VERBS = ROLE_VERBS.admin;
const SHA = /^[0-9a-f]{64}$/;

/** Tells people what the evaluator would decide, by asking it. */
export function createAccessReviewService({ database, rbac }: AccessReviewDeps) {
  /** @throws {McpctlError} `forbidden` without the action `impersonate`, `not-found`, `invalid` */
  async function whomOf({ principal }: RequestContext, as: string | undefined): Promise<Principal> {
    if (as === undefined || as === principalName(principal)) return principal;
    const state = await rbac.current();
    const { allowed } = state.canRunOperation(principal, "impersonate");
    if (!allowed) {
      throw new McpctlError("forbidden", "You cannot ask about others", {
        hint: "Ask for a binding with action:impersonate",
      });
    }
    const colon = as.indexOf(":");
    const [kind, name] = [as.slice(0, Math.max(0, colon)), as.slice(colon + 1)];
    if (kind === "User") return findUser(state, name);
    if (kind === "McpToken") return findToken(state, name);
    throw new McpctlError("invalid", `"${as}" is neither a user nor a token`, {
      hint: "Write User:NAME, McpToken:PROJECT/NAME or McpToken:SHA",
    });
  }

  async function findUser(state: RbacState, name: string): Promise<Principal> {
    const user = await database.read.resources.find({ plural: "users", project: "", name });
    if (!user) throw notFound("user", name);
    return state.userPrincipal(user.metadata.name);
  }

  async function findToken(state: RbacState, text: string): Promise<Principal> {
    const row = await database.read.mcpTokens.findBySha(SHA.test(text) ? text : ((await shaOf(text)) ?? ""));
    if (!row) throw notFound("mcptoken", text);
    return principalOfToken(state, row);
  }

  async function shaOf(text: string): Promise<string | undefined> {
    const [project = "", name = ""] = text.split("/");
    const token = await database.read.resources.find<McpToken>({ plural: "mcptokens", project, name });
    return token?.status?.sha;
  }

  return {
    async canI(context: RequestContext, { verb, resource, name, as }: AccessQuestion): Promise<AccessReview> {
      const principal = await whomOf(context, as);
      const decision = decide(await rbac.current(), principal, { verb, resource, name });
      return { principal: principalName(principal), allowed: decision.allowed, by: decision.by };
    },

    async permissions(context: RequestContext, as: string | undefined): Promise<Permissions> {
      const principal = await whomOf(context, as);
      const state = await rbac.current();
      const permissions = state.getPermissions(principal).map(({ definition, binding }) => {
        const limitedBy = limitOf(state, principal, binding);
        return { definition, binding, ...(limitedBy !== undefined && { limitedBy }) };
      });
      const project = principal.kind === "McpToken" ? { project: principal.project } : {};
      return { principal: principalName(principal), permissions, ...project };
    },
  };
}

/** @throws {McpctlError} `invalid` for words that mean nothing here, which would look like a refusal. */
function decide(state: RbacState, principal: Principal, { verb, resource, name }: AccessQuestion): Decision {
  const action = ACTIONS.find((candidate) => candidate === resource);
  if (verb === "run" && action !== undefined) return state.canRunOperation(principal, action);
  const plural = resource === ANY_RESOURCE ? ANY_RESOURCE : findKind(resource)?.plural;
  const known = verb === "run" ? "use" : VERBS.find((candidate) => candidate === verb);
  if (plural === undefined) throw unknown("resource", resource, verb === "run" ? ACTIONS : []);
  if (known === undefined) throw unknown("verb", verb, [...VERBS, "run"]);
  if (known !== "list" && known !== "watch") return state.canAccess(principal, { verb: known, resource: plural, name });
  const scope = state.getAllowedScope(principal, { verb: known, resource: plural });
  if (scope !== "all" && name === undefined && scope.size > 0) {
    return { allowed: true, by: `those that bindings name: ${[...scope].toSorted().join(", ")}` };
  }
  return state.canAccess(principal, { verb: known, resource: plural, name });
}

/** What the creator of a token lacks of a binding that the token holds. */
function limitOf(state: RbacState, principal: Principal, binding: RoleBinding): string | undefined {
  if (principal.kind !== "McpToken" || state.covers(principal.creator, binding)) return undefined;
  return `its creator ${principal.creator.name} does not hold all of it`;
}

function unknown(what: string, word: string, candidates: readonly string[]): McpctlError {
  const suggestion = closest(word, candidates);
  const all =
    candidates.length === 0 ? "See them with: mcpctl create rbac --help" : `They are ${candidates.join(", ")}`;
  return new McpctlError("invalid", `Unknown ${what} "${word}"`, {
    hint: suggestion === undefined ? all : `Did you mean "${suggestion}"?`,
  });
}
