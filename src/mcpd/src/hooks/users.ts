import type { User } from "@mcpctl/shared/kinds/users.ts";
import { deleteTokensOf } from "./delete-tokens.ts";
import type { KindHooks } from "./kind-hooks.ts";

export const userHooks: KindHooks<User> = {
  beforeDelete: (scope, user) => deleteTokensOf(scope, { creatorUid: user.metadata.uid }),
};
