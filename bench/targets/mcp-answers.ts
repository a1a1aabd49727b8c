import { MODERN_VERSION } from "@mcpctl/shared/mcp/protocol.ts";
import type { Era } from "../load/mcp-requests.ts";

export interface Asked {
  id?: number | string;
  method: string;
  params?: { name?: string; arguments?: { message?: string; bytes?: number } };
}

/** Reads a message of the gateway, which is known to send nothing else. */
export function parseAsked(text: string): Asked {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a check would cost more than the answer
  return JSON.parse(text) as Asked;
}

const IDENTITY = { name: "raw", version: "1" };
const CAPABILITIES = { tools: {} };

/** The result of every method of a server that does nothing but answer, as JSON; undefined for what it does not know. */
export function createAnswers(tools: number): (asked: Asked, era: Era) => string | undefined {
  const lists = { modern: toolsList(tools, "modern"), legacy: toolsList(tools, "legacy") };
  const texts = new Map<number, string>();

  function textOf(bytes: number): string {
    const known = texts.get(bytes) ?? JSON.stringify("x".repeat(bytes));
    texts.set(bytes, known);
    return known;
  }

  function call({ params }: Asked, era: Era): string {
    const { message, bytes } = params?.arguments ?? {};
    const text = bytes === undefined ? JSON.stringify(message ?? "") : textOf(bytes);
    return `{${complete(era)}"content":[{"type":"text","text":${text}}]}`;
  }

  return (asked, era) => {
    switch (asked.method) {
      case "tools/call":
        return call(asked, era);
      case "tools/list":
        return lists[era];
      case "initialize":
        return JSON.stringify({ protocolVersion: "2025-11-25", capabilities: CAPABILITIES, serverInfo: IDENTITY });
      case "server/discover":
        return era === "legacy" ? undefined : DISCOVERY;
      default:
        return undefined;
    }
  };
}

const DISCOVERY = JSON.stringify({
  resultType: "complete",
  supportedVersions: [MODERN_VERSION],
  capabilities: CAPABILITIES,
  ttlMs: 60_000,
  cacheScope: "private",
});

function complete(era: Era): string {
  return era === "modern" ? '"resultType":"complete",' : "";
}

function toolsList(count: number, era: Era): string {
  const tools = Array.from({ length: count }, (_, at) => ({
    name: at === 0 ? "echo" : `tool_${String(at).padStart(5, "0")}`,
    description: "Answers with the message that it was sent, or with as many bytes as were asked for.",
    inputSchema: {
      type: "object",
      properties: { message: { type: "string", description: "What to say." }, bytes: { type: "integer", minimum: 0 } },
    },
  }));
  const caching = era === "modern" ? ',"ttlMs":60000,"cacheScope":"private"' : "";
  return `{${complete(era)}"tools":${JSON.stringify(tools)}${caching}}`;
}
