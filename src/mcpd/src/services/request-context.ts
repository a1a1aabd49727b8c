import type { Principal } from "@mcpctl/shared/rbac/principal.ts";

/** Who asks, and why it was let in; goes into the audit row of what it does. */
export interface RequestContext {
  principal: Principal;
  requestId: string;
  /** The binding that allowed it. */
  decidedBy: string;
  /** Address of a caller that has not said who it is. */
  source?: string | undefined;
  requestBytes?: number | undefined;
}

/** The context of what mcpd does by itself. */
export function systemContext(name: string): RequestContext {
  return { principal: { kind: "System", name }, requestId: `system-${name}`, decidedBy: "mcpd itself" };
}
