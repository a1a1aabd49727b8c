import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Project } from "@mcpctl/shared/kinds/projects.ts";
import { closest } from "@mcpctl/shared/suggest.ts";
import { deleteTokensOf } from "./delete-tokens.ts";
import type { HookScope, KindHooks } from "./kind-hooks.ts";

export const projectHooks: KindHooks<Project> = {
  async beforeWrite(scope, manifest, current) {
    const wanted = manifest.spec;
    const before = current?.spec.servers ?? [];
    const added = wanted.servers.filter((name) => !before.includes(name));
    await requireServers(scope, wanted.servers, added);
    requireRun(scope, added);
    await requireProxyModel(scope, wanted.proxyModel);
  },
  beforeDelete: (scope, project) => deleteTokensOf(scope, { projectUid: project.metadata.uid }),
};

/** A server that was deleted later may stay in the list; one that never existed is a typing error. */
async function requireServers({ repositories }: HookScope, servers: string[], added: string[]): Promise<void> {
  if (added.length === 0) return;
  const known = (await repositories.resources.list({ plural: "servers" })).map(({ metadata }) => metadata.name);
  const missing = added.filter((name) => !known.includes(name));
  const [first] = missing;
  if (first === undefined) return;
  const suggestion = closest(first, known);
  throw new McpctlError("invalid", `Project refers to servers that do not exist: ${missing.join(", ")}`, {
    hint: suggestion
      ? `Did you mean "${suggestion}"?`
      : "Create the server first, or list the existing: mcpctl get servers",
    fields: missing.map((name) => ({
      path: `spec.servers[${servers.indexOf(name)}]`,
      message: `server "${name}" does not exist`,
    })),
  });
}

/** Offering a server through a project lends its use to everybody in the project. */
function requireRun({ rbac, context }: HookScope, added: string[]): void {
  const denied = added.filter(
    (name) => !rbac.canAccess(context.principal, { verb: "use", resource: "servers", name }).allowed,
  );
  if (denied.length === 0) return;
  throw new McpctlError("forbidden", `You cannot offer servers that you may not use: ${denied.join(", ")}`, {
    hint: "Ask for a binding with role:run,resource:servers",
  });
}

async function requireProxyModel({ repositories }: HookScope, name: string): Promise<void> {
  if (await repositories.resources.find({ plural: "proxymodels", project: "", name })) return;
  throw new McpctlError("invalid", `Proxy model "${name}" does not exist`, {
    hint: "List them with: mcpctl get proxymodels",
    fields: [{ path: "spec.proxyModel", message: `proxy model "${name}" does not exist` }],
  });
}
