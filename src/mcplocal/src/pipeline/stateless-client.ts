import { McpctlError } from "@mcpctl/shared/errors.ts";
import { declaredIn } from "../protocol/client-capabilities.ts";
import type { ClientOf } from "./method-runner.ts";

/** A stateless client is asked in the answer to its own request, and never by a request. */
export const statelessClientOf: ClientOf = ({ params }) => {
  const declared = declaredIn(params);
  return declared && { ...declared, ask: neverAsked };
};

function neverAsked(method: string): Promise<never> {
  return Promise.reject(new McpctlError("upstream-protocol", `The client takes no request ${method}`));
}
