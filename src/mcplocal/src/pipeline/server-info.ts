import { META } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import { IDENTITY } from "../identity.ts";
import type { ProjectCapabilities } from "../projects/capabilities.ts";
import type { Project } from "../projects/project.ts";
import { SUPPORTED_VERSIONS } from "../protocol/modern-rules.ts";
import type { Exchange } from "./exchange.ts";

/** A greeting waits this long for servers that have never been seen, so that it can carry what they offer and how they are used. */
const INSTRUCTIONS_WAIT_MS = 1_000;
const TTL_MS = 30_000;

/** Answers `server/discover`. @see MCP 2026-07-28, server/discover */
export async function answerDiscover({ project }: Exchange): Promise<UpstreamReply> {
  return toReply({
    resultType: "complete",
    supportedVersions: SUPPORTED_VERSIONS,
    ...(await describe(project)),
    ttlMs: TTL_MS,
    cacheScope: "private",
    _meta: { [META.serverInfo]: IDENTITY },
  });
}

/** Answers `initialize` for a session of this version. @see MCP 2025-11-25, basic/lifecycle */
export async function answerInitialize(project: Project, protocolVersion: string): Promise<UpstreamReply> {
  return toReply({
    protocolVersion,
    serverInfo: IDENTITY,
    ...(await describe(project)),
  });
}

async function describe(project: Project): Promise<{ capabilities: ProjectCapabilities; instructions?: string }> {
  if (!project.isListable) {
    const enough = new Promise((resolve) => {
      setTimeout(resolve, INSTRUCTIONS_WAIT_MS).unref();
    });
    await Promise.race([project.listable(), enough]);
  }
  const { capabilities, instructions } = project.view();
  return { capabilities, ...(instructions !== "" && { instructions }) };
}

function toReply(result: object): UpstreamReply {
  return { kind: "result", json: Buffer.from(JSON.stringify(result)) };
}
