import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Mcpd } from "@mcpctl/mcpd/mcpd.ts";
import type { RequestContext } from "@mcpctl/mcpd/services/request-context.ts";
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

/** Where and as whom the demo is made: by function calls, since an HTTP client would take longer to load than all of it. */
export interface DemoMaker {
  inProcess: Pick<Mcpd["inProcess"], "resources" | "tokens">;
  context: RequestContext;
}

/**
 * Makes the demo project and its servers what this version ships. What somebody else changed stays as it is.
 *
 * @param filesDir - the directory that the `files` server offers.
 */
export async function applyDemo(maker: DemoMaker, filesDir: string): Promise<void> {
  await applyUnlessTaken(maker, servers, {
    kind: "Server",
    metadata: { name: "everything" },
    spec: {
      package: { npm: "@modelcontextprotocol/server-everything", version: DEMO_SERVER_VERSION },
      args: ["stdio"],
    },
  });
  await applyUnlessTaken(maker, servers, {
    kind: "Server",
    metadata: { name: "files" },
    spec: {
      package: { npm: "@modelcontextprotocol/server-filesystem", version: DEMO_SERVER_VERSION },
      args: [filesDir],
    },
  });
  await applyUnlessTaken(maker, projects, {
    kind: "Project",
    metadata: { name: DEMO_PROJECT },
    spec: { description: "What mcpctl up shows", servers: ["everything", "files"] },
  });
}

/** Mints the demo's token afresh: the last one cannot be shown again, since only its hash was kept. */
export async function mintDemoToken({ inProcess, context }: DemoMaker): Promise<string> {
  const metadata = { name: DEMO_TOKEN, project: DEMO_PROJECT };
  try {
    const last = { plural: mcpTokens.plural, ...metadata };
    await inProcess.resources.delete(mcpTokens, last, { context, fieldManager: FIELD_MANAGER });
  } catch (error) {
    if (!hasCode(error, "not-found")) throw error;
  }
  const { token } = await inProcess.tokens.create(context, { kind: mcpTokens.kind, metadata, spec: {} });
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

async function applyUnlessTaken({ inProcess, context }: DemoMaker, kind: Kind, manifest: DemoManifest): Promise<void> {
  const ref = { plural: kind.plural, project: "", name: manifest.metadata.name };
  try {
    await inProcess.resources.apply(kind, ref, manifest, { context, fieldManager: FIELD_MANAGER, force: false });
  } catch (error) {
    if (!hasCode(error, "conflict")) throw error;
  }
}
