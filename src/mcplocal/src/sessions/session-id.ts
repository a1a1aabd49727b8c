import { createHash, randomBytes } from "node:crypto";
import { LEGACY_VERSIONS } from "@mcpctl/shared/mcp/protocol.ts";
import type { ClientCapabilities } from "@mcpctl/shared/mcp/upstream.ts";
import * as z from "zod";
import type { Principal } from "../auth/principal.ts";

/** What a client said when it opened a session, as far as it still matters. */
export interface SessionStart {
  protocolVersion: string;
  /** What it can be asked for; undefined when that is nothing. */
  capabilities: ClientCapabilities | undefined;
}

type Owner = Pick<Principal, "sha" | "project">;

/** Clients repeat the id with each request, and some servers in between allow no longer headers. */
const MAX_LENGTH = 2_048;
const BINDING_BYTES = 12;

const state = z.strictObject({ v: z.enum(LEGACY_VERSIONS), c: z.record(z.string(), z.unknown()).optional() });

/**
 * Makes the id of a session. It carries what the client declared, so that any replica of the gateway, and the same one
 * after a restart, can go on with it. It is no credential: the token is, and the id only works together with that. It
 * holds nothing that the client did not say itself.
 *
 * @returns visible ASCII, as header values must be. @see MCP 2025-11-25, basic/transports, "Session Management"
 */
export function makeSessionId(owner: Owner, { protocolVersion, capabilities }: SessionStart): string {
  const random = randomBytes(18).toString("base64url");
  const content = JSON.stringify({ v: protocolVersion, c: capabilities });
  const encoded = Buffer.from(content).toString("base64url");
  const id = `${random}.${bindingOf(random, encoded, owner)}.${encoded}`;
  return id.length > MAX_LENGTH ? random : id;
}

/** @returns undefined for what is no such id, or one of another token or project. */
export function readSessionId(id: string, owner: Owner): SessionStart | undefined {
  const [random, binding, encoded, ...rest] = id.length > MAX_LENGTH ? [] : id.split(".");
  if (random === undefined || encoded === undefined || rest.length > 0) return undefined;
  if (binding !== bindingOf(random, encoded, owner)) return undefined;
  const { data } = state.safeParse(parse(Buffer.from(encoded, "base64url").toString("utf8")));
  return data && { protocolVersion: data.v, capabilities: data.c };
}

function bindingOf(random: string, encoded: string, { sha, project }: Owner): string {
  const content = JSON.stringify(["mcp-session", random, encoded, sha, project]);
  return createHash("sha256").update(content).digest().subarray(0, BINDING_BYTES).toString("base64url");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
