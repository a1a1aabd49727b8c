import { McpctlError } from "@mcpctl/shared/errors.ts";
import { LOG_LEVELS, META } from "@mcpctl/shared/mcp/protocol.ts";
import type { ClientCapabilities, ClientSide } from "@mcpctl/shared/mcp/upstream.ts";
import { isRecord, metaOf, type Params } from "./client-message.ts";

/** Methods by which a server turns to a client, and the capability that each needs. */
const NEEDED: ReadonlyMap<string, string> = new Map([
  ["elicitation/create", "elicitation"],
  ["sampling/createMessage", "sampling"],
  ["roots/list", "roots"],
]);

/** Of what a client declares, the gateway passes on what it can keep: questions, and extensions that it relays. */
const PASSED_ON = ["elicitation", "sampling", "roots"] as const;

/** What a client can be asked for; undefined when that is nothing, which is the rule. */
export function askableOf(declared: unknown): ClientCapabilities | undefined {
  if (!isRecord(declared)) return undefined;
  let askable: Record<string, unknown> | undefined;
  for (const name of PASSED_ON) if (isRecord(declared[name])) (askable ??= {})[name] = declared[name];
  return askable;
}

/** Capabilities and log level that a stateless request carries; undefined when it carries none, which is the rule. */
export function declaredIn(params: Params): Pick<ClientSide, "capabilities" | "logLevel"> | undefined {
  const meta = metaOf(params);
  const logLevel = LOG_LEVELS.find((level) => level === meta[META.logLevel]);
  const capabilities = askableOf(meta[META.clientCapabilities]);
  if (!capabilities && logLevel === undefined) return undefined;
  return { capabilities: capabilities ?? {}, logLevel };
}

/**
 * Checks that a client has said that it can answer such a question.
 *
 * @throws {McpctlError} `upstream-protocol`
 * @see MCP 2025-11-25, client/elicitation, client/sampling, client/roots
 */
export function requireAskable(capabilities: ClientCapabilities, method: string, params: Params): void {
  const name = NEEDED.get(method);
  const capability = name === undefined ? undefined : capabilities[name];
  if (!isRecord(capability)) throw cannotAsk(method);
  if (name === "elicitation" && !allowsMode(capability, params["mode"])) throw cannotAsk(`${method} in this mode`);
  if (name === "sampling" && params["tools"] !== undefined && !isRecord(capability["tools"])) {
    throw cannotAsk(`${method} with tools`);
  }
}

/** A capability without modes is from before there were any, and means forms. */
function allowsMode(capability: Params, mode: unknown): boolean {
  if (mode === "url") return isRecord(capability["url"]);
  return isRecord(capability["form"]) || !isRecord(capability["url"]);
}

function cannotAsk(what: string): McpctlError {
  return new McpctlError("upstream-protocol", `The client does not answer ${what}`, {
    hint: "Use a client that declares the capability, or another tool",
  });
}
