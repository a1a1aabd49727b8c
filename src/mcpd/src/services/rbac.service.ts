import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Group } from "@mcpctl/shared/kinds/groups.ts";
import type { RbacDefinition, RoleBinding } from "@mcpctl/shared/kinds/rbac-definitions.ts";
import {
  type Access,
  canAccess,
  canRunOperation,
  covers,
  type Decision,
  describeBinding,
  getAllowedScope,
  getPermissions,
  type Scope,
} from "@mcpctl/shared/rbac/evaluate.ts";
import type { Principal, UserPrincipal } from "@mcpctl/shared/rbac/principal.ts";
import type { Action } from "@mcpctl/shared/rbac/vocabulary.ts";
import type { Database, Repositories } from "../repositories/interfaces.ts";

/** What decisions are made from, as it was at one moment. */
export interface RbacState {
  canAccess(principal: Principal, access: Access): Decision;
  canRunOperation(principal: Principal, action: Action): Decision;
  getAllowedScope(principal: Principal, access: Omit<Access, "name">): Scope;
  getPermissions(principal: Principal): { definition: string; binding: RoleBinding }[];
  /** The user with the groups it is in. */
  userPrincipal(name: string): UserPrincipal;
  /** Every binding of a subject, whether a person or a group. */
  bindingsOf(subject: { kind: "User" | "Group"; name: string }): RoleBinding[];
  /** Whether the principal holds all of a binding itself. */
  covers(principal: Principal, binding: RoleBinding): boolean;
  /** @throws {McpctlError} `forbidden`, listing every binding that the principal lacks itself. */
  requireCover(principal: Principal, bindings: readonly RoleBinding[], deed: string): void;
}

export interface RbacService {
  /** The state as last committed; a commit of this process shows at once, one of another within moments. */
  current(): Promise<RbacState>;
  /** The state inside a transaction: for decisions that must hold when it commits. */
  within(repositories: Repositories): Promise<RbacState>;
  /** Forgets what `current` remembers. */
  invalidate(): void;
}

/** Answers who may do what. It keeps the definitions in memory, since every request asks. */
export function createRbacService(database: Pick<Database, "read" | "onCommit">): RbacService {
  let remembered: Promise<RbacState> | undefined;
  const invalidate = () => {
    remembered = undefined;
  };
  database.onCommit(invalidate);
  return {
    invalidate,
    within: loadState,
    current() {
      if (remembered) return remembered;
      const loading = loadState(database.read);
      remembered = loading;
      loading.catch(() => {
        if (remembered === loading) remembered = undefined;
      });
      return loading;
    },
  };
}

async function loadState({ resources }: Repositories): Promise<RbacState> {
  const definitions = await resources.list<RbacDefinition>({ plural: "rbac" });
  const groups = await resources.list<Group>({ plural: "groups" });
  return createRbacState(definitions, groups);
}

function createRbacState(definitions: RbacDefinition[], groups: Group[]): RbacState {
  return {
    canAccess: (principal, access) => canAccess(definitions, principal, access),
    canRunOperation: (principal, action) => canRunOperation(definitions, principal, action),
    getAllowedScope: (principal, access) => getAllowedScope(definitions, principal, access),
    getPermissions: (principal) => getPermissions(definitions, principal),
    userPrincipal: (name) => ({
      kind: "User",
      name,
      groups: groups.filter((group) => group.spec.members.includes(name)).map((group) => group.metadata.name),
    }),
    bindingsOf: (subject) =>
      definitions
        .filter(({ spec }) => spec.subjects.some((s) => s.kind === subject.kind && s.name === subject.name))
        .flatMap(({ spec }) => spec.roleBindings),
    covers: (principal, binding) => covers(definitions, principal, binding),
    requireCover(principal, bindings, deed) {
      const isWhole = canAccess(definitions, principal, { verb: "grant", resource: "*" }).allowed;
      const missing = isWhole ? [] : bindings.filter((binding) => !covers(definitions, principal, binding));
      if (missing.length === 0) return;
      throw new McpctlError("forbidden", `You cannot ${deed}: you lack ${missing.map(describeBinding).join(", ")}`, {
        hint: "Nobody can grant what they do not hold; ask somebody who does",
      });
    },
  };
}
