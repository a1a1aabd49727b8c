import type { ApiClient } from "@mcpctl/shared/api/client.ts";
import type { Kind, Resource } from "@mcpctl/shared/kinds/kind.ts";
import { projectFlag, requireProject, usageError } from "../args.ts";
import { AUDIT_WORD, auditFlags, notOfAudit, requireNoAuditFlags, showAudit } from "../audit-trail.ts";
import { defineCommand } from "../command.ts";
import type { CommandContext } from "../command-context.ts";
import { isOfOneObject } from "../for-each-object.ts";
import { toJson, toList, toYaml } from "../printers/objects.ts";
import { formatResourceTable } from "../printers/resource-table.ts";
import { oneLine } from "../printers/text.ts";
import { parseResourceArgs, type ResourceSelection } from "../resource-args.ts";

const SELECTOR = /^[^=,!\s]+={1,2}[^=,!\s]*(,[^=,!\s]+={1,2}[^=,!\s]*)*$/;

export const getCommand = defineCommand({
  description:
    "KIND is a kind in any of its forms: server, servers, srv. Several are separated by commas. " +
    "`get audit` shows the audit trail, newest first.",
  examples: [
    "mcpctl get servers",
    "mcpctl get servers,projects -o wide",
    "mcpctl get server files -o yaml",
    "mcpctl get server/files project/demo -o name",
    "mcpctl get mcptokens -p demo",
    "mcpctl get servers -l team=data",
    "mcpctl get audit --since 1h --decision deny",
    "mcpctl get audit --token my-agent -p demo -o wide",
  ],
  positionals: {
    kind: { label: "KIND[/NAME]", required: true, description: "Kind, list of kinds, or kind and name." },
    names: { label: "NAME...", variadic: true, description: "Names; all objects when there is none." },
  },
  flags: {
    output: {
      type: "choice",
      short: "o",
      choices: ["table", "wide", "json", "yaml", "name"],
      default: "table",
      description: "Form of the answer.",
    },
    project: projectFlag,
    selector: {
      type: "string",
      short: "l",
      placeholder: "KEY=VALUE,...",
      description: "Only objects with these labels.",
    },
    noHeaders: { type: "boolean", description: "Leave out the header of the table." },
    ...auditFlags,
  },

  async run(context, { kind, names, output, selector, noHeaders, ...given }) {
    if (kind === AUDIT_WORD) {
      if (names.length > 0 || selector !== undefined || output === "name") throw notOfAudit();
      return showAudit(context, { ...given, output, hasHeaders: !noHeaders });
    }
    const { project = context.config.project, ...ofAudit } = given;
    requireNoAuditFlags(ofAudit);
    const selections = parseResourceArgs([kind, ...names]);
    const labelSelector = selector === undefined ? undefined : parseSelector(selector, selections);
    const results = await readAll(context, selections, { project, labelSelector });
    print(context, results, { output, hasHeaders: !noHeaders, hasProjects: project === undefined });
    return results.find(({ exitCode }) => exitCode !== 0)?.exitCode ?? 0;
  },
});

function parseSelector(selector: string, selections: readonly ResourceSelection[]): string {
  if (selections.some(({ name }) => name !== undefined)) {
    throw usageError("--selector chooses among all objects; it does not go with names", "Leave out either of them");
  }
  const compact = selector.replaceAll(/\s*([=,])\s*/g, "$1").trim();
  if (SELECTOR.test(compact)) return compact;
  throw usageError(`--selector "${selector}" is not understood`, "Write KEY=VALUE, several separated by commas");
}

interface Result {
  kind: Kind;
  items: Resource[];
  /** Absent when a single object was asked for. */
  resourceVersion?: string;
  exitCode: number;
}

interface Query {
  project: string | undefined;
  labelSelector: string | undefined;
}

/** Missing objects are reported while the others are shown, as long as anything is left to show. */
async function readAll(
  context: CommandContext,
  selections: readonly ResourceSelection[],
  query: Query,
): Promise<Result[]> {
  const api = await context.api();
  const results: Result[] = [];
  for (const selection of selections) {
    const { kind, name } = selection;
    if (selections.length === 1) results.push(await read(api, selection, query));
    else {
      const failed = (thrown: unknown): Result => {
        if (!isOfOneObject(thrown)) throw thrown;
        const about = name === undefined ? kind.plural : `${kind.singular}/${name}`;
        return { kind, items: [], exitCode: context.report(thrown, about) };
      };
      results.push(await read(api, selection, query).catch(failed));
    }
  }
  return results;
}

async function read(
  api: ApiClient,
  { kind, name }: ResourceSelection,
  { project, labelSelector }: Query,
): Promise<Result> {
  if (name !== undefined) {
    const owner = kind.scope === "project" ? requireProject(project, kind.singular) : undefined;
    return { kind, items: [await api.get(kind, { name, project: owner })], exitCode: 0 };
  }
  const owner = kind.scope === "project" ? project : undefined;
  const { items, metadata } = await api.list(kind, { project: owner, labelSelector });
  return { kind, items, resourceVersion: metadata.resourceVersion, exitCode: 0 };
}

interface Style {
  output: "table" | "wide" | "json" | "yaml" | "name";
  hasHeaders: boolean;
  hasProjects: boolean;
}

function print(context: CommandContext, results: readonly Result[], style: Style): void {
  const { io } = context;
  if (style.output === "json") io.out(toJson(document(results)));
  else if (style.output === "yaml") io.out(toYaml(document(results)));
  else if (style.output === "name") for (const line of results.flatMap(namesOf)) io.out(line);
  else printTables(context, results, style);
}

/** One object that was asked for by name stands alone; everything else is a list. */
function document(results: readonly Result[]): unknown {
  const [first] = results;
  if (first && results.length === 1) {
    return first.resourceVersion === undefined ? first.items[0] : toList(first.items, first.resourceVersion);
  }
  return toList(results.flatMap(({ items }) => items));
}

function namesOf({ kind, items }: Result): string[] {
  return items.map(({ metadata }) => `${kind.singular}/${oneLine(metadata.name)}`);
}

function printTables({ io, now }: CommandContext, results: readonly Result[], style: Style): void {
  const tables = byKind(results.filter(({ items }) => items.length > 0));
  const isPrefixed = new Set(results.map(({ kind }) => kind)).size > 1;
  for (const [at, { kind, items }] of tables.entries()) {
    if (at > 0) io.out("");
    const table = {
      kind,
      resources: items,
      isWide: style.output === "wide",
      hasHeaders: style.hasHeaders,
      hasProjects: style.hasProjects && kind.scope === "project",
      isPrefixed,
      now: now(),
    };
    for (const line of formatResourceTable(table)) io.out(line);
  }
  const isSilent = tables.length > 0 || results.some(({ exitCode }) => exitCode !== 0);
  if (!isSilent) io.err(`No ${results.map(({ kind }) => kind.plural).join(", ")} found`);
}

/** Objects of one kind share a table, however they were asked for. */
function byKind(results: readonly Result[]): Pick<Result, "kind" | "items">[] {
  const groups = Map.groupBy(results, ({ kind }) => kind);
  return [...groups].map(([kind, group]) => ({ kind, items: group.flatMap(({ items }) => items) }));
}
