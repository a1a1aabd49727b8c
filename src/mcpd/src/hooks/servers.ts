import { isDeepStrictEqual } from "node:util";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Server, ServerSpec } from "@mcpctl/shared/kinds/servers.ts";
import type { HookScope, KindHooks } from "./kind-hooks.ts";

/** Changing any of these changes what runs on the host. */
const RUNS_CODE = ["command", "package", "args", "env"] as const satisfies readonly (keyof ServerSpec)[];

/** Changing any of these changes who gets the values of the secrets that a server has. */
const GETS_SECRETS = [...RUNS_CODE, "url", "headers"] as const satisfies readonly (keyof ServerSpec)[];

export const serverHooks: KindHooks<Server> = {
  async beforeWrite(scope, manifest, current) {
    const { rbac, context } = scope;
    const { spec } = manifest;
    requireSecrets(scope, spec, current?.spec);
    const changed = RUNS_CODE.filter(
      (field) => !isDeepStrictEqual(spec[field], current?.spec[field] ?? emptyOf(field)),
    );
    if (changed.length === 0) return;
    const decision = rbac.canRunOperation(context.principal, "run-command");
    if (decision.allowed) return;
    throw new McpctlError("forbidden", `You cannot set ${changed.join(", ")} of a server: it runs code on the host`, {
      hint: "Ask for a binding with action:run-command",
    });
  },
};

/** A server lends the values of its secrets to whatever it runs or calls. */
function requireSecrets({ rbac, context }: HookScope, spec: ServerSpec, current: ServerSpec | undefined): void {
  if (current && GETS_SECRETS.every((field) => isDeepStrictEqual(spec[field], current[field]))) return;
  const names = new Set([...spec.env, ...spec.headers].flatMap(({ secretRef }) => secretRef?.name ?? []));
  const denied = [...names].filter(
    (name) => !rbac.canAccess(context.principal, { verb: "use", resource: "secrets", name }).allowed,
  );
  if (denied.length === 0) return;
  throw new McpctlError("forbidden", `You cannot hand secrets on that you may not use: ${denied.join(", ")}`, {
    hint: "Ask for a binding with role:run,resource:secrets",
  });
}

function emptyOf(field: (typeof RUNS_CODE)[number]): unknown {
  return field === "args" || field === "env" ? [] : undefined;
}
