import { type Group, groups as groupKind } from "@mcpctl/shared/kinds/groups.ts";
import type { VouchedPerson } from "../oidc/provider.ts";
import type { Database } from "../repositories/interfaces.ts";
import type { AuditService } from "./audit.service.ts";
import { ownersOfUpdated } from "./field-ownership.ts";
import { systemContext } from "./request-context.ts";

interface Membership {
  /** Groups whose names begin with it follow the provider, and no others. */
  prefix: string;
  /** As the provider names them. */
  groups: readonly string[];
}

interface OidcGroupsDeps {
  database: Pick<Database, "read">;
  audit: AuditService;
}

/** @returns what the claim lists; nothing when it is absent or of another form. */
export function groupsOf({ claims }: VouchedPerson, claim: string): string[] {
  const value = claims[claim];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((group) => typeof group === "string");
}

/** Makes the user's membership what the provider says, in the groups that exist. What is right already is not written. */
export async function joinGroups(
  { database, audit }: OidcGroupsDeps,
  user: string,
  membership: Membership,
): Promise<void> {
  const query = { plural: groupKind.plural };
  if ((await database.read.resources.list<Group>(query)).every((group) => isRight(group, user, membership))) return;
  const deed = { verb: "join-groups", resource: "users", name: user };
  await audit.mutate(systemContext("oidc-login"), deed, async ({ resources }) => {
    for (const group of await resources.list<Group>(query)) {
      if (isRight(group, user, membership)) continue;
      const { metadata, spec, kind } = group;
      const others = spec.members.filter((member) => member !== user);
      const members = others.length < spec.members.length ? others : [...others, user];
      const changed = { kind, metadata, spec: { ...spec, members } };
      const managedFields = ownersOfUpdated(groupKind, group, changed, "oidc-login");
      const content = { labels: metadata.labels, annotations: metadata.annotations, managedFields, spec: changed.spec };
      const ref = { plural: groupKind.plural, project: "", name: metadata.name };
      await resources.replace(ref, content, metadata.resourceVersion);
    }
  });
}

function isRight({ metadata, spec }: Group, user: string, { prefix, groups }: Membership): boolean {
  if (!metadata.name.startsWith(prefix)) return true;
  return spec.members.includes(user) === groups.includes(metadata.name.slice(prefix.length));
}
