import { McpctlError } from "@mcpctl/shared/errors.ts";
import { fromProblem, problemSchema } from "@mcpctl/shared/problem.ts";

/** What mcpd says instead of an answer. */
export function problemOf(status: number, body: string): McpctlError {
  const problem = problemSchema.safeParse(parseJson(body));
  if (problem.success) return fromProblem(problem.data);
  return unusable(`it answered with HTTP ${status}`);
}

/** @returns undefined when the text is no JSON, which no schema accepts. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function unusable(why: string, cause?: unknown): McpctlError {
  return new McpctlError("unavailable", `mcpd cannot be used: ${why}`, {
    hint: "Check that gateway and mcpd are of the same release",
    cause,
  });
}
