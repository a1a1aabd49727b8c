import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { RequestContext } from "../services/request-context.ts";

/**
 * A token never hands on rights: what it made would outlive its revocation.
 *
 * @throws {McpctlError} `forbidden`
 */
export function requireUser({ principal }: RequestContext, deed: string): void {
  if (principal.kind !== "McpToken") return;
  throw new McpctlError("forbidden", `A token cannot ${deed}`, { hint: "Log in as a user: mcpctl login" });
}
