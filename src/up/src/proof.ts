import { request } from "node:http";
import { text } from "node:stream/consumers";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { META, MODERN_VERSION } from "@mcpctl/shared/mcp/protocol.ts";
import { VERSION } from "@mcpctl/shared/version.ts";
import * as z from "zod";

const TOOL = "everything__echo";
const WORDS = "mcpctl is up";
const WAIT_MS = 60_000;
const AGAIN_MS = 25;
const CALL_TIMEOUT_MS = 10_000;

const answer = z.object({
  result: z.object({ content: z.array(z.object({ text: z.string().optional() })) }).optional(),
  error: z.object({ message: z.string(), data: z.object({ hint: z.string().optional() }).optional() }).optional(),
});

/**
 * Calls a real tool through the gateway with the token that was just minted, the way that any agent would. Servers
 * take a moment to start, so it tries again until the answer is right.
 *
 * @throws {McpctlError} `upstream-unavailable` when there is no right answer within a minute.
 */
export async function proveToolCall(gateway: string, token: string, signal: AbortSignal): Promise<void> {
  const end = Date.now() + WAIT_MS;
  let last = "it did not answer";
  while (Date.now() < end && !signal.aborted) {
    const outcome = await tryCall(gateway, token, signal);
    if (outcome === undefined) return;
    last = outcome;
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
  signal.throwIfAborted();
  throw new McpctlError("upstream-unavailable", `The tool ${TOOL} cannot be called through the gateway: ${last}`, {
    hint: "See why with: mcpctl describe server everything",
  });
}

/** @returns what is wrong, or undefined when the tool answered rightly. */
async function tryCall(gateway: string, token: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const { status, body } = await post(
      gateway,
      token,
      AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]),
    );
    const { result, error } = answer.parse(JSON.parse(body));
    if (result?.content.some((part) => part.text?.includes(WORDS))) return undefined;
    if (!error) return `it answered with status ${status}`;
    return error.data?.hint ?? error.message;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Not with `fetch`, which takes longer to load than the call takes. */
function post(gateway: string, token: string, signal: AbortSignal): Promise<{ status: number; body: string }> {
  const headers = {
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    "mcp-protocol-version": MODERN_VERSION,
    "mcp-method": "tools/call",
    "mcp-name": TOOL,
  };
  return new Promise((resolve, reject) => {
    const asked = request(gateway, { method: "POST", headers, signal }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
    asked.on("error", reject).end(JSON.stringify(callMessage()));
  });
}

function callMessage() {
  return {
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: {
      name: TOOL,
      arguments: { message: WORDS },
      _meta: {
        [META.protocolVersion]: MODERN_VERSION,
        [META.clientInfo]: { name: "mcpctl-up", version: VERSION },
        [META.clientCapabilities]: {},
      },
    },
  };
}
