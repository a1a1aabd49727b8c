import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ApiClient } from "@mcpctl/shared/api/client.ts";
import { hasCode } from "@mcpctl/shared/errors.ts";
import { mcpTokens } from "@mcpctl/shared/kinds/mcp-tokens.ts";
import { type Kind } from "@mcpctl/shared/kinds/kind.ts";
import { projects } from "@mcpctl/shared/kinds/projects.ts";
import { servers } from "@mcpctl/shared/kinds/servers.ts";

export const DEMO_PROJECT = "demo";
const DEMO_TOKEN = "demo";
const FIELD_MANAGER = "mcpctl-up";
/** The versions that the lockfile holds, so that nothing is downloaded at start. */
const DEMO_SERVER_VERSION = "2026.8.31";

/**
 * Makes the demo project and its servers what this version ships. What somebody else changed stays as it is.
 *
 * @param filesDir - the directory that the `files` server offers.
 */
export async function applyDemo(api: ApiClient, filesDir: string): Promise<void> {
  await applyUnlessTaken(api, servers, {
    kind: "Server",
    metadata: { name: "everything" },
    spec: {
      package: { npm: "@modelcontextprotocol/server-everything", version: DEMO_SERVER_VERSION },
      args: ["stdio"],
    },
  });
  await applyUnlessTaken(api, servers, {
    kind: "Server",
    metadata: { name: "files" },
    spec: {
      package: { npm: "@modelcontextprotocol/server-filesystem", version: DEMO_SERVER_VERSION },
      args: [filesDir],
    },
  });
  await applyUnlessTaken(api, projects, {
    kind: "Project",
    metadata: { name: DEMO_PROJECT },
    spec: { description: "What mcpctl up shows", servers: ["everything", "files"] },
  });
}

/** Mints the demo's token afresh: the last one cannot be shown again, since only its hash was kept. */
export async function mintDemoToken(api: ApiClient): Promise<string> {
  const name = { name: DEMO_TOKEN, project: DEMO_PROJECT };
  try {
    await api.delete(mcpTokens, name);
  } catch (error) {
    if (!hasCode(error, "not-found")) throw error;
  }
  const { token } = await api.createMcpToken({ kind: "McpToken", metadata: name, spec: {} } as {
    metadata: typeof name;
  });
  return token;
}

/** Where the documentation lies in a checkout, seen from this source and from the bundle in `dist/`. */
const DOCS = ["../../../docs", "../docs"].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/** The project's own documentation in a checkout; elsewhere a directory beside the data, with a first file in it. */
export async function demoFilesDir(dataDir: string): Promise<string> {
  const docs = DOCS.find((dir) => existsSync(join(dir, "architecture.md")));
  if (docs !== undefined) return docs;
  const own = join(dataDir, "demo-files");
  await mkdir(own, { recursive: true });
  const welcome = join(own, "welcome.txt");
  if (!existsSync(welcome)) await writeFile(welcome, "The files server of the demo project offers this directory.\n");
  return own;
}

interface DemoManifest {
  kind: string;
  metadata: { name: string };
  spec: object;
}

async function applyUnlessTaken(api: ApiClient, kind: Kind, manifest: DemoManifest): Promise<void> {
  try {
    await api.apply(kind, manifest, { fieldManager: FIELD_MANAGER });
  } catch (error) {
    if (!hasCode(error, "conflict")) throw error;
  }
}
