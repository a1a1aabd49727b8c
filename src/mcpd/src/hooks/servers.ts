import { isDeepStrictEqual } from "node:util";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Server, ServerSpec } from "@mcpctl/shared/kinds/servers.ts";
import type { KindHooks } from "./kind-hooks.ts";

/** Changing any of these changes what runs on the host. */
const RUNS_CODE = ["command", "package", "args", "env"] as const satisfies readonly (keyof ServerSpec)[];

export const serverHooks: KindHooks<Server> = {
  async beforeWrite({ rbac, context }, manifest, current) {
    const { spec } = manifest;
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

function emptyOf(field: (typeof RUNS_CODE)[number]): unknown {
  return field === "args" || field === "env" ? [] : undefined;
}
