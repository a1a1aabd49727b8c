import type { User } from "@mcpctl/shared/kinds/users.ts";
import type { Repositories } from "../repositories/interfaces.ts";

/** @returns the user of this name, or with this uid. */
export function findUser({ resources }: Pick<Repositories, "resources">, name: string): Promise<User | undefined> {
  return resources.find<User>({ plural: "users", project: "", name });
}
