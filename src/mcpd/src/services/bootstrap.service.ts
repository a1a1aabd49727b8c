import { randomBytes } from "node:crypto";
import type { Database, Repositories, ResourceContent } from "../repositories/interfaces.ts";
import type { AuditService } from "./audit.service.ts";
import type { PasswordHasher } from "./password-hasher.ts";
import { systemContext } from "./request-context.ts";

export interface FirstAdmin {
  user: string;
  /** Made up by this start; absent when the operator chose it. Only here, once: what is stored is its hash. */
  password: string | undefined;
}

interface BootstrapDeps {
  database: Pick<Database, "read">;
  audit: AuditService;
  passwords: PasswordHasher;
}

const DEFAULT_MODEL = { plural: "proxymodels", project: "", name: "default" } as const;
const OWNED_BY_NOBODY = { labels: {}, annotations: {}, managedFields: [] } satisfies Partial<ResourceContent>;

/**
 * Makes what a control plane cannot be without: the built-in proxy model and, while there is no user at all, an
 * administrator.
 *
 * @returns the administrator that was made, or undefined when there are users already.
 */
export async function bootstrap(
  { database, audit, passwords }: BootstrapDeps,
  wanted: { user: string; password?: string | undefined },
): Promise<FirstAdmin | undefined> {
  if (await isMade(database.read)) return undefined;
  const password = wanted.password ?? randomBytes(18).toString("base64url");
  const hash = () => passwords.hash(password);
  // Ahead of the transaction, because it takes a while; not at all where it will not be needed.
  const hashedAhead = (await hasUsers(database.read)) ? undefined : await hash();
  const deed = { verb: "bootstrap", resource: "*" };
  return audit.mutate(systemContext("bootstrap"), deed, async ({ resources, credentials }) => {
    if (!(await resources.find(DEFAULT_MODEL))) {
      const spec = { description: "Passes everything on unchanged." };
      await resources.insert(DEFAULT_MODEL, "ProxyModel", { ...OWNED_BY_NOBODY, spec }, {});
    }
    if (await hasUsers({ resources })) return undefined;
    const ref = { plural: "users", project: "", name: wanted.user };
    const user = await resources.insert(ref, "User", { ...OWNED_BY_NOBODY, spec: { disabled: false } }, {});
    await credentials.setPasswordHash(user.metadata.uid, hashedAhead ?? (await hash()));
    const spec = {
      subjects: [{ kind: "User", name: wanted.user }],
      roleBindings: [{ role: "admin", resource: "*" }],
    };
    await resources.insert(
      { plural: "rbac", project: "", name: "admin" },
      "RbacDefinition",
      { ...OWNED_BY_NOBODY, spec },
      {},
    );
    return { user: wanted.user, password: wanted.password === undefined ? password : undefined };
  });
}

/** What every start but the first finds. */
async function isMade(repositories: Pick<Repositories, "resources">): Promise<boolean> {
  return (await repositories.resources.find(DEFAULT_MODEL)) !== undefined && hasUsers(repositories);
}

async function hasUsers({ resources }: Pick<Repositories, "resources">): Promise<boolean> {
  return (await resources.list({ plural: "users", limit: 1 })).length > 0;
}
