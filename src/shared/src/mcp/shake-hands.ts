import * as z from "zod";
import { McpctlError } from "../errors.ts";
import { VERSION } from "../version.ts";
import { discoverResult, initializeResult, legacyIdentity, modernIdentity } from "./handshake.ts";
import { parseJson } from "./line-messages.ts";
import { type Era, LATEST_LEGACY_VERSION, META, MODERN_VERSION } from "./protocol.ts";
import type { ClientSide, UpstreamIdentity, UpstreamReply } from "./upstream.ts";

const CLIENT_INFO = { name: "mcpctl", version: VERSION } as const;

/** What a request to a modern server carries when there is nobody to be asked. */
const PLAIN_ENVELOPE = {
  [META.protocolVersion]: MODERN_VERSION,
  [META.clientCapabilities]: {},
  [META.clientInfo]: CLIENT_INFO,
} as const;

/** A server with sessions is shared by all clients, and hears once, before the first of them, what they can be asked. */
const SHARED_CAPABILITIES = { elicitation: { form: {}, url: {} }, sampling: {} } as const;

/** What every request to a modern server carries. */
export function modernEnvelope(client: ClientSide | undefined): Record<string, unknown> {
  return client ? { ...PLAIN_ENVELOPE, ...clientMeta(client) } : PLAIN_ENVELOPE;
}

/** What a request says of the client behind it. */
export function clientMeta({ capabilities, logLevel }: ClientSide): Record<string, unknown> {
  return { [META.clientCapabilities]: capabilities, ...(logLevel !== undefined && { [META.logLevel]: logLevel }) };
}

/** The connection as the handshake needs it. */
export interface HandshakePeer {
  send(method: string, params: Record<string, unknown>): Promise<UpstreamReply>;
  notify(method: string): void;
}

export interface HandshakeOptions {
  /** The era that an earlier handshake with the same program found. */
  knownEra: Era | undefined;
  /** How long an answer to the probe is waited for before `initialize` is tried as well. */
  probeMs: number;
}

/**
 * Finds out which era a server speaks and what it is.
 *
 * A server that is slow to start may answer the probe when `initialize` is on its way already; the first of the two
 * that succeeds decides.
 *
 * @throws {McpctlError} `upstream-protocol` when it speaks no revision that we know, and what `send` throws.
 * @see MCP 2026-07-28, basic/versioning
 */
export async function shakeHands(peer: HandshakePeer, options: HandshakeOptions): Promise<UpstreamIdentity> {
  if (options.knownEra === "legacy") return initialize(peer);
  const probe = discover(peer);
  const attempt = probe.catch(() => undefined);
  const isPatient = options.knownEra === "modern";
  const early = await (isPatient ? attempt : Promise.race([attempt, pause(options.probeMs)]));
  if (early) return early;
  try {
    return await Promise.any([probe, initialize(peer)]);
  } catch (error) {
    // The second one says why a server that knows no probe failed.
    throw error instanceof AggregateError ? error.errors[1] : error;
  }
}

async function discover(peer: HandshakePeer): Promise<UpstreamIdentity> {
  const result = parseReply(
    discoverResult,
    "server/discover",
    await peer.send("server/discover", { _meta: PLAIN_ENVELOPE }),
  );
  const identity = modernIdentity(result);
  if (!identity) throw unknownRevision(result.supportedVersions.join(", "));
  return identity;
}

async function initialize(peer: HandshakePeer): Promise<UpstreamIdentity> {
  const params = { protocolVersion: LATEST_LEGACY_VERSION, capabilities: SHARED_CAPABILITIES, clientInfo: CLIENT_INFO };
  const result = parseReply(initializeResult, "initialize", await peer.send("initialize", params));
  const identity = legacyIdentity(result);
  if (!identity) throw unknownRevision(result.protocolVersion);
  peer.notify("notifications/initialized");
  return identity;
}

const rpcError = z.looseObject({ message: z.string() });

/** @throws {McpctlError} `upstream-protocol` when the reply is an error or of another shape. */
export function parseReply<T>(schema: z.ZodType<T>, method: string, { kind, json }: UpstreamReply): T {
  const value = parseJson(json);
  if (kind === "error") {
    const said = rpcError.safeParse(value).data?.message.slice(0, 500) ?? "something that is no error";
    throw new McpctlError("upstream-protocol", `The server answered ${method} with an error: ${said}`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue ? `${issue.path.join(".") || "result"} ${issue.message}` : "result";
  throw new McpctlError("upstream-protocol", `The server's answer to ${method} is malformed: ${where}`);
}

function unknownRevision(version: string): McpctlError {
  return new McpctlError(
    "upstream-protocol",
    `The server speaks MCP ${version.slice(0, 200)}, which mcpctl does not know`,
  );
}

function pause(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), ms).unref();
  });
}
