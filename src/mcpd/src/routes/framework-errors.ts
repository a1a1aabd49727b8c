import { McpctlError } from "@mcpctl/shared/errors.ts";

/** Fastify's own failures, told by their code. */
export function fromFramework(error: unknown): unknown {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    return new McpctlError("payload-too-large", "The body is larger than this path takes", { cause: error });
  }
  if (code === "FST_ERR_CTP_INVALID_CONTENT_LENGTH") {
    return new McpctlError("bad-request", "The body does not have the length that Content-Length says", {
      cause: error,
    });
  }
  if (code === "FST_ERR_BAD_URL" || code === "FST_ERR_MAX_PARAM_LENGTH" || code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") {
    return new McpctlError("bad-request", "The URL or the Content-Type is malformed", { cause: error });
  }
  return error;
}
