import { groupHooks } from "./groups.ts";
import type { KindHooks } from "./kind-hooks.ts";
import { mcpTokenHooks } from "./mcp-tokens.ts";
import { projectHooks } from "./projects.ts";
import { rbacHooks } from "./rbac.ts";
import { serverHooks } from "./servers.ts";
import { userHooks } from "./users.ts";

/** By plural. A kind that is not named here follows the generic rules alone. */
export const HOOKS: Readonly<Record<string, KindHooks>> = {
  servers: serverHooks,
  projects: projectHooks,
  mcptokens: mcpTokenHooks,
  users: userHooks,
  groups: groupHooks,
  rbac: rbacHooks,
};
