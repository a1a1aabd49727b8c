import { createHash } from "node:crypto";
import type { Discovery } from "@mcpctl/shared/api/contracts.ts";
import type { McpctlError } from "@mcpctl/shared/errors.ts";
import { isToolAllowed, type ToolPolicy } from "@mcpctl/shared/kinds/tool-policy.ts";
import { type Era, META } from "@mcpctl/shared/mcp/protocol.ts";
import { exposeNames } from "@mcpctl/shared/mcp/tool-names.ts";
import { IDENTITY } from "../identity.ts";
import type { CatalogueTool } from "./list-tools.ts";

/** What a client may rely on before it asks again, when nothing changes. */
const TTL_MS = 30_000;
const PARTIAL_TTL_MS = 1_000;
const CONDITIONS_KEY = "mcpctl.io/conditions";

/** Why something that belongs to a project is not offered now. */
export interface Condition {
  server: string;
  code: string;
  message: string;
}

/** One server as the view sees it. */
export interface ViewedServer<S> {
  /** What a call needs in order to reach the server. */
  source: S;
  name: string;
  policy: ToolPolicy;
  tools: readonly CatalogueTool[];
  leftOut: number;
  instructions: string | undefined;
  fault: McpctlError | undefined;
}

export interface ExposedTool<S> {
  /** The name that the server gives it. */
  name: string;
  source: S;
}

/** What the members of a project see, as of one moment. */
export interface ProjectView<S> {
  /** Every tool that may be called, by the name that clients know, those of faulty servers included. */
  tools: ReadonlyMap<string, ExposedTool<S>>;
  conditions: readonly Condition[];
  instructions: string;
  /** Equal for views whose lists are equal, on every replica. */
  digest: string;
  /** JSON of the result of `tools/list`. */
  listResult(era: Era): Uint8Array;
}

interface NamedTool<S> {
  exposed: string;
  tool: CatalogueTool;
  server: ViewedServer<S>;
}

/**
 * Puts the tools of a project together. What may be seen and what may be called is decided here and nowhere else.
 */
export function createProjectView<S>(
  project: Discovery["project"],
  servers: readonly ViewedServer<S>[],
): ProjectView<S> {
  const allowed = nameTools(project, servers).filter(({ exposed }) => isToolAllowed(project.tools, exposed));
  const listed = allowed.filter(({ server }) => server.fault === undefined).toSorted(byName);
  const conditions = servers.flatMap(conditionsOf);
  const digest = createHash("sha256").update(toolsJson(listed, "modern")).digest("hex");
  const results = new Map<Era, Uint8Array>();
  return {
    tools: new Map(allowed.map(({ exposed, tool, server }) => [exposed, { name: tool.name, source: server.source }])),
    conditions,
    instructions: instructionsOf(servers, conditions),
    digest,
    listResult(era) {
      const built = results.get(era) ?? Buffer.from(listResultJson(toolsJson(listed, era), conditions, era));
      results.set(era, built);
      return built;
    },
  };
}

/** A tool that its server's policy hides has no part in the naming either, so that no name gives it away. */
function nameTools<S>({ naming }: Discovery["project"], servers: readonly ViewedServer<S>[]): NamedTool<S>[] {
  const visible = servers.flatMap((server) =>
    server.tools.filter(({ name }) => isToolAllowed(server.policy, name)).map((tool) => ({ tool, server })),
  );
  const own = visible.map(({ tool, server }) => ({ server: server.name, tool: tool.name }));
  const names = exposeNames(own, naming);
  return visible.map(({ tool, server }, index) => ({ exposed: names[index] ?? "", tool, server }));
}

/** Names are ASCII, so this is the order of code points whatever the locale. */
function byName<S>(a: NamedTool<S>, b: NamedTool<S>): number {
  return a.exposed < b.exposed ? -1 : 1;
}

function toolsJson<S>(tools: readonly NamedTool<S>[], era: Era): string {
  const entries = tools.map(({ exposed, tool }) => {
    const rest = (era === "legacy" ? tool.legacyRest : undefined) ?? tool.rest;
    return `{"name":${JSON.stringify(exposed)}${rest === "}" ? "" : ","}${rest}`;
  });
  return `[${entries.join(",")}]`;
}

function listResultJson(tools: string, conditions: readonly Condition[], era: Era): string {
  const isPartial = conditions.length > 0;
  const partial = isPartial ? { [CONDITIONS_KEY]: conditions } : {};
  if (era === "legacy") return `{"tools":${tools}${isPartial ? `,"_meta":${JSON.stringify(partial)}` : ""}}`;
  const meta = JSON.stringify({ [META.serverInfo]: IDENTITY, ...partial });
  const ttlMs = isPartial ? PARTIAL_TTL_MS : TTL_MS;
  return `{"resultType":"complete","tools":${tools},"ttlMs":${ttlMs},"cacheScope":"private","_meta":${meta}}`;
}

function conditionsOf<S>({ name, fault, leftOut }: ViewedServer<S>): Condition[] {
  if (fault) return [{ server: name, code: fault.code, message: fault.message }];
  if (leftOut === 0) return [];
  return [{ server: name, code: "upstream-protocol", message: `${leftOut} malformed tools are left out` }];
}

function instructionsOf<S>(servers: readonly ViewedServer<S>[], conditions: readonly Condition[]): string {
  const sections = servers
    .filter(({ instructions, fault }) => instructions !== undefined && instructions.trim() !== "" && !fault)
    .map(({ name, instructions }) => `# ${name}\n\n${instructions}`);
  const warnings = conditions.map(({ server, message }) => `- ${server}: ${message}`);
  const warning = ["# Not available now", "", ...warnings].join("\n");
  return (warnings.length > 0 ? [warning, ...sections] : sections).join("\n\n");
}
