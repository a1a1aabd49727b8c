import type { RbacDefinition, RoleBinding, Subject } from "../kinds/rbac-definitions.ts";
import type { GatewayPrincipal, Principal, TokenPrincipal, UserPrincipal } from "./principal.ts";
import { type AccessVerb, type Action, ANY_RESOURCE, ROLE_VERBS } from "./vocabulary.ts";

/** What is asked: a verb on a resource, on one object of it when `name` is given. */
export interface Access {
  verb: AccessVerb;
  /** Plural of a kind. */
  resource: string;
  name?: string | undefined;
}

export interface Decision {
  allowed: boolean;
  /** The binding that allowed it, such as `developers: edit servers`, or the reason why none did. */
  by: string;
}

/** Names that a list may show. */
export type Scope = "all" | ReadonlySet<string>;

/** The RBAC definitions that exist; the evaluator reads nothing else. */
export type Definitions = readonly Pick<RbacDefinition, "metadata" | "spec">[];

interface Grant {
  binding: RoleBinding;
  definition: string;
}

const NONE: Decision = { allowed: false, by: "no binding grants it" };
const SYSTEM: Decision = { allowed: true, by: "mcpd itself" };

/**
 * What a gateway may do, whatever any definition says: find out what projects consist of and carry their calls, see the
 * addresses and credentials of servers, and hand in what it recorded. Whoever makes one must hold all of it.
 */
export const GATEWAY_BINDINGS: readonly RoleBinding[] = [
  { role: "run", resource: "projects" },
  { role: "run", action: "resolve" },
  { role: "run", action: "ship-audit" },
];

/** Decides about a resource. Deny is the default: what no binding grants is refused. */
export function canAccess(definitions: Definitions, principal: Principal, access: Access): Decision {
  if (principal.kind === "System") return SYSTEM;
  if (principal.kind !== "McpToken") return decide(grantsOf(definitions, principal), (b) => grantsAccess(b, access));
  if (access.verb === "grant") return { allowed: false, by: "a token cannot grant rights" };
  if (isOwnProjectUse(principal, access) && access.name === principal.project)
    return ownProject(definitions, principal);
  const own = decide(grantsOf(definitions, principal), (b) => grantsAccess(b, access));
  return underCeiling(own, principal, () => canAccess(definitions, principal.creator, access));
}

/** Decides about an action, such as `logs`. */
export function canRunOperation(definitions: Definitions, principal: Principal, action: Action): Decision {
  if (principal.kind === "System") return SYSTEM;
  const own = decide(grantsOf(definitions, principal), (b) => grantsAction(b, action));
  if (principal.kind !== "McpToken") return own;
  return underCeiling(own, principal, () => canRunOperation(definitions, principal.creator, action));
}

/** Which objects of a resource a list may show: everything, or the objects that bindings name. */
export function getAllowedScope(definitions: Definitions, principal: Principal, access: Omit<Access, "name">): Scope {
  if (principal.kind === "System") return "all";
  const own = scopeOf(grantsOf(definitions, principal), access);
  if (principal.kind !== "McpToken") return own;
  if (access.verb === "grant") return new Set();
  const bound = intersect(own, getAllowedScope(definitions, principal.creator, access));
  const hasOwnProject = isOwnProjectUse(principal, access) && ownProject(definitions, principal).allowed;
  return hasOwnProject ? unite(bound, new Set([principal.project])) : bound;
}

/** Every binding that a principal holds itself, with the definition that it comes from; a ceiling is not applied. */
export function getPermissions(
  definitions: Definitions,
  principal: Principal,
): { definition: string; binding: RoleBinding }[] {
  return principal.kind === "System" ? [] : grantsOf(definitions, principal);
}

/** Whether a principal may hand a binding on: it must hold all of it itself. */
export function covers(definitions: Definitions, principal: Principal, binding: RoleBinding): boolean {
  if ("action" in binding) return canRunOperation(definitions, principal, binding.action).allowed;
  // A binding to one object never creates, so handing it on takes no right to.
  const verbs = ROLE_VERBS[binding.role].filter((verb) => verb !== "create" || binding.name === undefined);
  return verbs.every(
    (verb) => canAccess(definitions, principal, { verb, resource: binding.resource, name: binding.name }).allowed,
  );
}

/** The one right that a token has without a binding stands under its creator's view of the project. */
function ownProject(definitions: Definitions, { project, creator }: TokenPrincipal): Decision {
  if (canAccess(definitions, creator, { verb: "get", resource: "projects", name: project }).allowed) {
    return { allowed: true, by: "the token's own project" };
  }
  return { allowed: false, by: `its creator ${creator.name} may not view project ${project}` };
}

/** What the token's own bindings allow, its creator must be allowed as well. */
function underCeiling(own: Decision, { creator }: TokenPrincipal, ofCreator: () => Decision): Decision {
  if (!own.allowed) return own;
  const ceiling = ofCreator();
  return ceiling.allowed ? own : { allowed: false, by: `its creator ${creator.name} lacks it: ${ceiling.by}` };
}

function isOwnProjectUse(principal: TokenPrincipal, { verb, resource }: Omit<Access, "name">): boolean {
  return verb === "use" && resource === "projects" && principal.project !== "";
}

function decide(grants: Grant[], allows: (binding: RoleBinding) => boolean): Decision {
  const found = grants.find(({ binding }) => allows(binding));
  return found ? { allowed: true, by: `${found.definition}: ${describeBinding(found.binding)}` } : NONE;
}

function grantsAccess(binding: RoleBinding, { verb, resource, name }: Access): boolean {
  if ("action" in binding || !Object.hasOwn(ROLE_VERBS, binding.role)) return false;
  if (binding.resource !== ANY_RESOURCE && binding.resource !== resource) return false;
  if (binding.name !== undefined && (binding.name !== name || verb === "create")) return false;
  const verbs: readonly AccessVerb[] = ROLE_VERBS[binding.role];
  return verbs.includes(verb);
}

function grantsAction(binding: RoleBinding, action: Action): boolean {
  if ("action" in binding) return binding.action === action;
  return binding.role === "admin" && binding.resource === ANY_RESOURCE && binding.name === undefined;
}

function grantsOf(definitions: Definitions, principal: UserPrincipal | TokenPrincipal | GatewayPrincipal): Grant[] {
  if (principal.kind === "Gateway") return GATEWAY_BINDINGS.map((binding) => ({ binding, definition: "gateway" }));
  return definitions
    .filter(({ spec }) => spec.subjects.some((subject) => isSubject(subject, principal)))
    .flatMap(({ metadata, spec }) => spec.roleBindings.map((binding) => ({ binding, definition: metadata.name })));
}

function isSubject(subject: Subject, principal: UserPrincipal | TokenPrincipal): boolean {
  if (principal.kind === "McpToken") return subject.kind === "McpToken" && subject.name === principal.sha;
  if (subject.kind === "User") return subject.name === principal.name;
  return subject.kind === "Group" && principal.groups.includes(subject.name);
}

function scopeOf(grants: Grant[], { verb, resource }: Omit<Access, "name">): Scope {
  if (grants.some(({ binding }) => grantsAccess(binding, { verb, resource }))) return "all";
  const names = grants.flatMap(({ binding }) =>
    "action" in binding || binding.name === undefined ? [] : [binding.name],
  );
  return new Set(names.filter((name) => grants.some(({ binding }) => grantsAccess(binding, { verb, resource, name }))));
}

function unite(a: Scope, b: Scope): Scope {
  return a === "all" || b === "all" ? "all" : a.union(b);
}

function intersect(a: Scope, b: Scope): Scope {
  if (a === "all") return b;
  return b === "all" ? a : a.intersection(b);
}

/** A binding in words, as `auth why` prints it. */
export function describeBinding(binding: RoleBinding): string {
  if ("action" in binding) return `run ${binding.action}`;
  return `${binding.role} ${binding.resource}${binding.name === undefined ? "" : `/${binding.name}`}`;
}
