import { isErrorCode, McpctlError } from "@mcpctl/shared/errors.ts";
import { problemSchema } from "@mcpctl/shared/problem.ts";
import { mediaTypeOf } from "./http-exchange.ts";
import type { RpcOutcome } from "./rpc-exchange.ts";

/** A refusal as servers give it that know nothing of Streamable HTTP. */
export class NoStreamableHttp extends McpctlError {}

const OF_OLDER_SERVERS: readonly number[] = [400, 404, 405];

/** Says in our words why a server answered with an HTTP status that is no success and no JSON-RPC. */
export function refusalError(name: string, { status, headers, body, reply }: RpcOutcome): McpctlError {
  const problem = mediaTypeOf(headers) === "application/problem+json" ? readProblem(body) : undefined;
  if (problem) return problem;
  const hint = `Look at it with: mcpctl describe server ${name}`;
  if (status === 401 || status === 403) {
    return new McpctlError(
      "upstream-unavailable",
      `Server "${name}" refused the gateway's credentials (HTTP ${status})`,
      { hint },
    );
  }
  if (status >= 300 && status < 400) {
    return new McpctlError(
      "upstream-unavailable",
      `Server "${name}" redirects, which is not followed (HTTP ${status})`,
      { hint },
    );
  }
  if (status >= 500 || status === 429) {
    return new McpctlError("upstream-unavailable", `Server "${name}" is not able to answer now (HTTP ${status})`, {
      hint,
    });
  }
  const said = reply ? `: ${Buffer.from(reply.json).toString("utf8").slice(0, 200)}` : "";
  const message = `Server "${name}" does not speak MCP as expected: it answered with HTTP ${status}${said}`;
  if (!reply && OF_OLDER_SERVERS.includes(status)) return new NoStreamableHttp("upstream-protocol", message, { hint });
  return new McpctlError("upstream-protocol", message, { hint });
}

/** mcpd's relay explains itself; its explanation is better than ours. */
function readProblem(body: Buffer): McpctlError | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
  const problem = problemSchema.safeParse(parsed);
  if (!problem.success) return undefined;
  const { code, detail, hint } = problem.data;
  const isUpstreams = isErrorCode(code) && code.startsWith("upstream-");
  return new McpctlError(isUpstreams ? code : "upstream-unavailable", detail, { hint });
}
