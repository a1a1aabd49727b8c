import { hasCode, McpctlError } from "@mcpctl/shared/errors.ts";
import { nameSchema } from "@mcpctl/shared/kinds/metadata.ts";
import { type User, users } from "@mcpctl/shared/kinds/users.ts";
import type { OidcOptions } from "../oidc/oidc-settings.ts";
import type { VouchedPerson } from "../oidc/provider.ts";
import type { Database, Repositories } from "../repositories/interfaces.ts";
import type { AuditService } from "./audit.service.ts";
import { groupsOf, joinGroups } from "./oidc-groups.ts";
import { systemContext } from "./request-context.ts";
import type { ResourceService } from "./resource.service.ts";

interface OidcUsersDeps {
  database: Pick<Database, "read">;
  audit: AuditService;
  resources: Pick<ResourceService, "create">;
  options: OidcOptions;
}

const FIELD_MANAGER = "oidc-login";

export type OidcUsers = ReturnType<typeof createOidcUsers>;

/** Which user a person is. Only issuer and subject decide; names and addresses change hands. */
export function createOidcUsers(deps: OidcUsersDeps) {
  const { database, options } = deps;
  return {
    /**
     * Finds the person's user, or makes it where that is wanted, and brings its groups up to date.
     *
     * @throws {McpctlError} `forbidden`
     */
    async resolve(person: VouchedPerson): Promise<{ name: string }> {
      requireListed(options, person);
      const known = await database.read.credentials.findUserByIdentity(person);
      if (known?.spec.disabled) throw lockedOut(known);
      const name = known?.metadata.name ?? (await provision(deps, person));
      const { groupsClaim, groupsPrefix: prefix } = options;
      if (groupsClaim !== undefined) await joinGroups(deps, name, { prefix, groups: groupsOf(person, groupsClaim) });
      return { name };
    },

    /** The same inside the transaction that opens the session: it may have changed. */
    async requireEnabled({ credentials }: Repositories, person: VouchedPerson): Promise<User> {
      const user = await credentials.findUserByIdentity(person);
      if (!user) throw unknownPerson(person);
      if (user.spec.disabled) throw lockedOut(user);
      return user;
    },
  };
}

function requireListed({ allowedDomains, allowedGroups, groupsClaim }: OidcOptions, person: VouchedPerson): void {
  const domain = verifiedEmail(person)?.split("@").at(-1);
  if (allowedDomains.length > 0 && (domain === undefined || !allowedDomains.includes(domain))) {
    throw refused("Your account at the OpenID provider has no verified email of an admitted domain");
  }
  const groups = groupsClaim === undefined ? [] : groupsOf(person, groupsClaim);
  if (allowedGroups.length > 0 && !allowedGroups.some((group) => groups.includes(group))) {
    throw refused("Your account at the OpenID provider is in no admitted group");
  }
}

async function provision({ database, resources, options }: OidcUsersDeps, person: VouchedPerson): Promise<string> {
  if (!options.hasProvisioning) throw unknownPerson(person);
  const name = nameOf(options, person);
  const { issuer, subject } = person;
  const displayName = typeof person.claims["name"] === "string" ? person.claims["name"].slice(0, 200) : undefined;
  const spec = { oidc: { issuer, subject }, ...(displayName !== undefined && { displayName }) };
  const write = { context: systemContext("oidc-login"), fieldManager: FIELD_MANAGER };
  try {
    await resources.create(users, { kind: users.kind, metadata: { name }, spec }, write);
  } catch (thrown) {
    if (!hasCode(thrown, "already-exists") && !hasCode(thrown, "conflict")) throw thrown;
    // Either the person has just logged in twice at once, or somebody else has the name.
    if ((await database.read.credentials.findUserByIdentity(person))?.metadata.name === name) return name;
    throw refused(`There is a user "${name}" already, with another way to log in`, identityHint(person));
  }
  return name;
}

function nameOf({ userClaim }: OidcOptions, person: VouchedPerson): string {
  const claim = userClaim ?? (verifiedEmail(person) === undefined ? "sub" : "email");
  const value = claim === "email" ? verifiedEmail(person) : person.claims[claim];
  const parsed = nameSchema("principal").safeParse(typeof value === "string" ? value.toLowerCase() : undefined);
  if (parsed.success) return parsed.data;
  throw refused(`The claim ${claim} of your account at the OpenID provider cannot be the name of a user`);
}

/** Anybody may claim an address until the provider has seen that it is theirs. */
function verifiedEmail({ claims }: VouchedPerson): string | undefined {
  const { email, email_verified: isVerified } = claims;
  return typeof email === "string" && isVerified === true ? email.toLowerCase() : undefined;
}

function unknownPerson(person: VouchedPerson): McpctlError {
  return refused("No user has your identity at the OpenID provider", identityHint(person));
}

/** Whom it tells has just proven to be that person. */
function identityHint({ issuer, subject }: VouchedPerson): string {
  return `Ask an administrator to set spec.oidc of your user to { issuer: ${issuer}, subject: ${subject} }`;
}

function lockedOut({ metadata }: User): McpctlError {
  return refused(`User "${metadata.name}" is disabled`);
}

function refused(message: string, hint = "Ask an administrator to let you in"): McpctlError {
  return new McpctlError("forbidden", message, { hint });
}
