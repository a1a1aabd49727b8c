/** A user with the groups that the user is in now. */
export interface UserPrincipal {
  kind: "User";
  name: string;
  groups: readonly string[];
}

/** A token acts under its own rights and its creator's, both as they are now. */
export interface TokenPrincipal {
  kind: "McpToken";
  name: string;
  project: string;
  /** Hex SHA-256. */
  sha: string;
  creator: UserPrincipal;
}

/** A gateway that has a credential of its own; its rights are the same for all of them. */
export interface GatewayPrincipal {
  kind: "Gateway";
  name: string;
}

/** mcpd itself: reconcilers, bootstrap and the composition root of `mcpctl up`. Never comes from a request. */
export interface SystemPrincipal {
  kind: "System";
  name: string;
}

/** Who is asking. */
export type Principal = UserPrincipal | TokenPrincipal | GatewayPrincipal | SystemPrincipal;

/** How a principal is called in audit rows, logs and field owners. */
export function principalName(principal: Principal): string {
  return principal.kind === "McpToken"
    ? `McpToken:${principal.project}/${principal.name}`
    : `${principal.kind}:${principal.name}`;
}
