import { randomBytes } from "node:crypto";
import { parseJson } from "@mcpctl/shared/mcp/line-messages.ts";
import { type Era, LOG_LEVELS } from "@mcpctl/shared/mcp/protocol.ts";
import { isRecord, metaOf, type Params } from "../protocol/client-message.ts";
import type { Exchange } from "./exchange.ts";

/** What a server may tell while it works on one request. */
export interface RelayedNotifications {
  /** The progress token to give to the server; undefined when the client wants no progress. */
  token: string | undefined;
  /** Passes on what the client wants of this request, and nothing else. */
  onNotification: ((message: Uint8Array) => void) | undefined;
}

const NOTHING_RELAYED: RelayedNotifications = { token: undefined, onNotification: undefined };

export type RelayNotifications = (exchange: Exchange, server: Speaker) => RelayedNotifications;

interface Speaker {
  name: string;
  /** Whether it says that it logs. */
  hasLogging: boolean;
}

/** Log messages of a session come until it says otherwise; a stateless client gets those that it asks for. */
const LEAST_BY_ERA: Record<Era, string | undefined> = { modern: undefined, legacy: LOG_LEVELS[0] };

/**
 * Makes the relay of progress and of log messages. Tokens of all callers meet at a shared server, so each call gets one
 * that no other has.
 */
export function createNotificationRelay(): RelayNotifications {
  const prefix = randomBytes(6).toString("base64url");
  let lastToken = 0;
  return ({ params, era, client, notify }, { name: server, hasLogging }) => {
    const wanted = metaOf(params)["progressToken"];
    const isWanted = typeof wanted === "string" || typeof wanted === "number";
    const level = hasLogging ? (client?.logLevel ?? LEAST_BY_ERA[era]) : undefined;
    if (!isWanted && level === undefined) return NOTHING_RELAYED;
    if (isWanted) lastToken += 1;
    const token = isWanted ? `${prefix}-${lastToken}` : undefined;
    const relayed = { token, wanted, level, server };
    return {
      token,
      onNotification(message) {
        const passed = select(message, relayed);
        if (passed) notify(Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...passed })));
      },
    };
  };
}

interface Selection {
  token: string | undefined;
  wanted: unknown;
  level: string | undefined;
  server: string;
}

/** @returns the notification as the client is to get it; undefined when it is not for that. */
function select(bytes: Uint8Array, selection: Selection): { method: string; params: Params } | undefined {
  const message = parseJson(bytes);
  if (!isRecord(message)) return undefined;
  const { method, params } = message;
  if (!isRecord(params)) return undefined;
  if (method === "notifications/progress") return selectProgress(params, selection);
  return method === "notifications/message" ? selectLog(params, selection) : undefined;
}

function selectProgress(params: Params, { token, wanted }: Selection) {
  if (token === undefined || params["progressToken"] !== token) return undefined;
  return { method: "notifications/progress", params: { ...params, progressToken: wanted } };
}

/** Whose message it is stands before the name that the server gives its logger. */
function selectLog(params: Params, { level, server }: Selection) {
  if (level === undefined || rankOf(params["level"]) < rankOf(level)) return undefined;
  const { logger } = params;
  const named = typeof logger === "string" && logger !== "" ? `${server}.${logger}` : server;
  return { method: "notifications/message", params: { ...params, logger: named } };
}

function rankOf(level: unknown): number {
  return LOG_LEVELS.findIndex((name) => name === level);
}
