import { McpctlError } from "@mcpctl/shared/errors.ts";
import * as z from "zod";

const words = z
  .string()
  .default("")
  .transform((text) => text.split(",").flatMap((word) => word.trim() || []));

/** A flag without a value, or a word in the environment. */
const toggle = z.preprocess(
  (value) => (value === "true" ? true : value === "false" ? false : value),
  z.boolean("must be true or false"),
);

const LOOPBACK = ["localhost", "[::1]"];

/** Whether what is sent there stays on this machine. */
export function isLoopback({ hostname }: URL): boolean {
  return LOOPBACK.includes(hostname) || /^127(\.\d+){3}$/.test(hostname);
}

const issuer = z.url({ protocol: /^https?$/, error: "must be an https URL" }).refine((text) => {
  const url = new URL(text);
  return url.search === "" && url.hash === "" && (url.protocol === "https:" || isLoopback(url));
}, "must be an https URL without query; http only on loopback");

/** Settings of the OpenID provider with which people log in. All are absent where there is none. */
export const oidcSettings = {
  oidcIssuer: issuer.optional().describe("OpenID provider with which people log in; none when absent."),
  oidcClientId: z.string().min(1).optional().describe("What mcpd is called there."),
  oidcClientSecret: z
    .string()
    .min(1)
    .optional()
    .meta({ secret: true })
    .describe("Its secret; absent for a public client."),
  oidcScopes: z.string().default("openid email profile").describe("Scopes to ask for; openid must be among them."),
  oidcUserClaim: z
    .string()
    .min(1)
    .optional()
    .describe("Claim that names a new user; when absent the verified email, else sub."),
  oidcProvisioning: toggle
    .default(false)
    .describe("Make a user for everybody whom the provider vouches for and the allow-lists admit."),
  oidcAllowedDomains: words.describe("Domains, separated by commas, of which the verified email must have one."),
  oidcAllowedGroups: words.describe("Groups of the provider, separated by commas, of which one is needed."),
  oidcGroupsClaim: z.string().min(1).optional().describe("Claim that lists the person's groups at the provider."),
  oidcGroupsPrefix: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._@+-]*$/, "must begin like the name of a group")
    .default("oidc-")
    .describe("Group G of the provider is Group PREFIX+G here, when there is one; a login sets its membership."),
};

const schema = z.object(oidcSettings);

/** How mcpd knows its provider, and whom it lets in. */
export interface OidcOptions {
  issuer: string;
  clientId: string;
  clientSecret: string | undefined;
  scopes: string;
  userClaim: string | undefined;
  hasProvisioning: boolean;
  allowedDomains: readonly string[];
  allowedGroups: readonly string[];
  groupsClaim: string | undefined;
  groupsPrefix: string;
}

/** @returns undefined when no provider is configured. @throws {McpctlError} `config-invalid` when only half of it is. */
export function toOidcOptions(settings: z.output<typeof schema>): OidcOptions | undefined {
  const { oidcIssuer, oidcClientId, oidcScopes, oidcAllowedGroups, oidcGroupsClaim } = settings;
  if (oidcIssuer === undefined && oidcClientId === undefined) return undefined;
  if (oidcIssuer === undefined || oidcClientId === undefined) throw incomplete("--oidc-issuer and --oidc-client-id");
  if (oidcAllowedGroups.length > 0 && oidcGroupsClaim === undefined) {
    throw incomplete("--oidc-allowed-groups and --oidc-groups-claim");
  }
  if (!oidcScopes.split(" ").includes("openid")) {
    throw new McpctlError("config-invalid", "--oidc-scopes must name openid");
  }
  return {
    issuer: oidcIssuer,
    clientId: oidcClientId,
    clientSecret: settings.oidcClientSecret,
    scopes: oidcScopes,
    userClaim: settings.oidcUserClaim,
    hasProvisioning: settings.oidcProvisioning,
    allowedDomains: settings.oidcAllowedDomains.map((domain) => domain.toLowerCase()),
    allowedGroups: oidcAllowedGroups,
    groupsClaim: oidcGroupsClaim,
    groupsPrefix: settings.oidcGroupsPrefix,
  };
}

function incomplete(pair: string): McpctlError {
  return new McpctlError("config-invalid", `${pair} go together`, { hint: "See the settings with: mcpd --help" });
}
