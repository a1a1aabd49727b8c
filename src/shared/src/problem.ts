import * as z from "zod";
import { ERROR_CODES, isErrorCode, McpctlError } from "./errors.ts";

export const problemSchema = z.object({
  type: z.string().describe("Stable URN of the kind of problem."),
  title: z.string().describe("The kind of problem in words."),
  status: z.int().describe("HTTP status."),
  detail: z.string().describe("What failed this time."),
  instance: z.string().optional().describe("URN of the request; quote it when asking for help."),
  code: z.string().describe("Stable code to branch on."),
  hint: z.string().optional().describe("What to do next."),
  requestId: z.string().optional().describe("Request id, as in the x-request-id header and the logs."),
  fields: z
    .array(z.object({ path: z.string(), message: z.string() }))
    .default([])
    .describe("Rejected fields."),
});

export type Problem = z.output<typeof problemSchema>;

export const PROBLEM_MEDIA_TYPE = "application/problem+json";

/**
 * Renders any thrown value as a problem. An unexpected error becomes `internal` and keeps its message
 * out of the body, because it may name hosts, queries or secrets.
 *
 * @see RFC 9457, section 3.1
 */
export function toProblem(thrown: unknown, requestId: string): Problem {
  const error =
    thrown instanceof McpctlError
      ? thrown
      : new McpctlError("internal", "Unexpected error", { hint: `Look for request ${requestId} in the log of mcpd` });
  return {
    type: `urn:mcpctl:problem:${error.code}`,
    title: error.code.replaceAll("-", " "),
    status: ERROR_CODES[error.code].status,
    detail: error.message,
    instance: `urn:mcpctl:request:${requestId}`,
    code: error.code,
    ...(error.hint !== undefined && { hint: error.hint }),
    requestId,
    fields: error.fields,
  };
}

/** The inverse: what the server threw is what the client catches. A code from a newer server becomes `internal`. */
export function fromProblem({ code, detail, hint, fields }: Problem): McpctlError {
  return new McpctlError(isErrorCode(code) ? code : "internal", detail, { hint, fields });
}
