import type { Discovery } from "@mcpctl/shared/api/contracts.ts";
import type { McpctlError } from "@mcpctl/shared/errors.ts";
import { isToolAllowed, type ToolPolicy } from "@mcpctl/shared/kinds/tool-policy.ts";
import type { Era } from "@mcpctl/shared/mcp/protocol.ts";
import { exposeNames } from "@mcpctl/shared/mcp/tool-names.ts";
import type { ListKind } from "@mcpctl/shared/mcp/upstream.ts";
import type { HeaderParam } from "../protocol/header-params.ts";
import { mergeCapabilities, type ProjectCapabilities } from "./capabilities.ts";
import { type Condition, createExposedLists, type ExposedEntry } from "./exposed-lists.ts";
import type { ListName } from "./listed-kinds.ts";
import type { CatalogueEntry } from "./listing.ts";
import { createResourceTable, type ResourceTable } from "./resource-table.ts";
import type { Look } from "./server-catalogue.ts";

/** One server as the view sees it. */
export interface ViewedServer<S> extends Look {
  /** What a call needs in order to reach the server. */
  source: S;
  name: string;
  policy: ToolPolicy;
  fault: McpctlError | undefined;
}

/** A tool or prompt that has a name of its own for clients. */
export interface Exposed<S> {
  /** The name that the server gives it. */
  name: string;
  source: S;
  headerParams?: readonly HeaderParam[] | undefined;
}

/** What the members of a project see, as of one moment. */
export interface ProjectView<S> {
  /** Every tool that may be called, by the name that clients know, those of faulty servers included. */
  tools: ReadonlyMap<string, Exposed<S>>;
  prompts: ReadonlyMap<string, Exposed<S>>;
  resources: ResourceTable<S>;
  capabilities: ProjectCapabilities;
  conditions: readonly Condition[];
  instructions: string;
  /** Equal for views whose lists are equal, on every replica. */
  digests: Readonly<Record<ListKind, string>>;
  /** JSON of the result of a list method. */
  listResult(list: ListName, era: Era): Uint8Array;
}

/**
 * Puts together what the servers of a project offer. What may be seen and what may be called is decided here and nowhere
 * else.
 */
export function createProjectView<S>(
  { naming, tools: policy }: Discovery["project"],
  servers: readonly ViewedServer<S>[],
  ownConditions: readonly Condition[] = [],
): ProjectView<S> {
  // A tool that its server's policy hides has no part in the naming either, so that no name gives it away.
  const allowed = servers.map(({ lists, policy: own }) => lists.tools.filter(({ name }) => isToolAllowed(own, name)));
  const tools = nameEntries(servers, (_, at) => allowed[at] ?? [], naming).filter(({ exposed }) =>
    isToolAllowed(policy, exposed),
  );
  const prompts = nameEntries(servers, ({ lists }) => lists.prompts, naming);
  const resources = createResourceTable(servers.map(toResourceServer));
  const conditions = [...ownConditions, ...servers.flatMap(conditionsOf)];
  const lists = createExposedLists(
    {
      tools: listedOf(tools),
      prompts: listedOf(prompts),
      resources: listedUris(servers, resources, "resources"),
      resourceTemplates: listedUris(servers, resources, "resourceTemplates"),
    },
    conditions,
  );
  return {
    tools: toMap(tools),
    prompts: toMap(prompts),
    resources,
    capabilities: mergeCapabilities(servers),
    conditions,
    instructions: instructionsOf(servers, conditions),
    digests: {
      tools: lists.digestOf(["tools"]),
      prompts: lists.digestOf(["prompts"]),
      resources: lists.digestOf(["resources", "resourceTemplates"]),
    },
    listResult: (list, era) => lists.result(list, era),
  };
}

interface NamedEntry<S> extends ExposedEntry {
  server: ViewedServer<S>;
}

function nameEntries<S>(
  servers: readonly ViewedServer<S>[],
  entriesOf: (server: ViewedServer<S>, at: number) => readonly CatalogueEntry[],
  naming: Discovery["project"]["naming"],
): NamedEntry<S>[] {
  const all = servers.flatMap((server, at) => entriesOf(server, at).map((entry) => ({ server, entry })));
  const own = all.map(({ server, entry }) => ({ server: server.name, tool: entry.name }));
  const names = exposeNames(own, naming);
  return all.map((one, index) => ({ ...one, exposed: names[index] ?? "" }));
}

function listedOf<S>(entries: readonly NamedEntry<S>[]): ExposedEntry[] {
  return entries.filter(({ server }) => server.fault === undefined);
}

function listedUris<S>(
  servers: readonly ViewedServer<S>[],
  { exposed }: ResourceTable<S>,
  list: "resources" | "resourceTemplates",
): ExposedEntry[] {
  const part = list === "resources" ? "uris" : "templates";
  return servers.flatMap(({ lists, fault }, at) =>
    fault ? [] : lists[list].map((entry, index) => ({ entry, exposed: exposed[at]?.[part][index] ?? entry.name })),
  );
}

function toMap<S>(entries: readonly NamedEntry<S>[]): ReadonlyMap<string, Exposed<S>> {
  return new Map(
    entries.map(({ exposed, entry: { name, headerParams }, server: { source } }) => [
      exposed,
      headerParams ? { name, source, headerParams } : { name, source },
    ]),
  );
}

function toResourceServer<S>({ source, name, lists, capabilities }: ViewedServer<S>) {
  const uris = lists.resources.map(({ name: uri }) => uri);
  const templates = lists.resourceTemplates.map(({ name: template }) => template);
  return { source, name, hasResources: capabilities["resources"] !== undefined, uris, templates };
}

function conditionsOf<S>({ name, fault, omissions }: ViewedServer<S>): Condition[] {
  if (fault) return [{ server: name, code: fault.code, message: fault.message }];
  return omissions.map((omission) => ({ server: name, ...omission }));
}

function instructionsOf<S>(servers: readonly ViewedServer<S>[], conditions: readonly Condition[]): string {
  const sections = servers
    .filter(({ instructions, fault }) => instructions !== undefined && instructions.trim() !== "" && !fault)
    .map(({ name, instructions }) => `# ${name}\n\n${instructions}`);
  const warnings = conditions.map(({ server, message }) => `- ${server}: ${message}`);
  const warning = ["# Not available now", "", ...warnings].join("\n");
  return (warnings.length > 0 ? [warning, ...sections] : sections).join("\n\n");
}
