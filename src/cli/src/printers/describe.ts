import type { Event } from "@mcpctl/shared/kinds/events.ts";
import { type Condition, conditionsSchema } from "@mcpctl/shared/kinds/conditions.ts";
import type { Kind, Resource } from "@mcpctl/shared/kinds/kind.ts";
import { toAge } from "./age.ts";
import { toYaml } from "./objects.ts";
import { columnValue } from "./resource-table.ts";
import { formatPairs, formatTable, type Pair } from "./table.ts";
import { printable, printableText } from "./text.ts";

const NONE = "-";

export interface Description {
  kind: Kind;
  resource: Resource;
  /** What happened to it; undefined when the caller may not see events. */
  events: readonly Event[] | undefined;
  now: Date;
}

/** Everything that is known of one object, in words that its manifest uses too. */
export function formatDescription({ kind, resource, events, now }: Description): string[] {
  const { conditions, ...status } = splitConditions(resource.status);
  return [
    ...formatPairs([...identity(resource, now), ...summary({ kind, resource, now })]),
    ...section("Spec", formatBlock(resource.spec)),
    ...section("Status", formatBlock(status.rest)),
    ...section("Conditions", formatConditions(conditions, now)),
    ...section("Events", events === undefined ? ["not shown: you may not list events"] : formatEvents(events, now)),
  ];
}

function identity({ kind, metadata }: Resource, now: Date): Pair[] {
  const { name, project, labels, annotations, uid, createdAt, generation, resourceVersion } = metadata;
  return [
    ["Name", name],
    ...(project === undefined ? [] : [["Project", project] as const]),
    ["Kind", kind],
    ["Labels", formatMap(labels)],
    ["Annotations", formatMap(annotations)],
    ["Uid", uid ?? NONE],
    ["Created", createdAt === undefined ? NONE : `${createdAt} (${toAge(createdAt, now)} ago)`],
    ["Version", `${resourceVersion ?? NONE} (generation ${generation ?? NONE})`],
  ];
}

function formatMap(map: Readonly<Record<string, string>> | undefined): string {
  return (
    Object.entries(map ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .join(", ") || NONE
  );
}

function summary({ kind, resource, now }: Pick<Description, "kind" | "resource" | "now">): Pair[] {
  return kind.columns.flatMap((column) => {
    const value = columnValue(column, resource, now);
    return value === undefined ? [] : [[column.header, value] as const];
  });
}

function splitConditions(status: unknown): { conditions: Condition[]; rest: unknown } {
  if (typeof status !== "object" || status === null || !("conditions" in status))
    return { conditions: [], rest: status };
  const { conditions, ...rest } = status;
  const parsed = conditionsSchema.safeParse(conditions);
  return parsed.success ? { conditions: parsed.data, rest } : { conditions: [], rest: status };
}

function formatBlock(value: unknown): string[] {
  const isEmpty =
    value === undefined || (typeof value === "object" && value !== null && Object.keys(value).length === 0);
  return isEmpty ? [] : toYaml(printable(value)).split("\n");
}

function formatConditions(conditions: readonly Condition[], now: Date): string[] {
  if (conditions.length === 0) return [];
  return formatMessages(["Type", "Status", "Reason", "Age"], conditions, ({ message, ...c }) => ({
    cells: [c.type, c.status, c.reason, toAge(c.lastTransitionAt, now)],
    message,
  }));
}

function formatEvents(events: readonly Event[], now: Date): string[] {
  if (events.length === 0) return ["none"];
  const sorted = events.toSorted((a, b) => (a.spec.lastSeenAt < b.spec.lastSeenAt ? -1 : 1));
  return formatMessages(["Last seen", "Type", "Reason", "Count"], sorted, ({ spec }) => ({
    cells: [toAge(spec.lastSeenAt, now), spec.type, spec.reason, `${spec.count}`],
    message: spec.message,
  }));
}

/** A table whose last column is a message. What a message has besides its first line stands below its row. */
function formatMessages<T>(
  headers: readonly string[],
  items: readonly T[],
  toRow: (item: T) => { cells: readonly string[]; message: string },
): string[] {
  const rows = items
    .map(toRow)
    .map(({ cells, message }) => ({ cells, lines: printableText(message).trim().split("\n") }));
  const [header = "", ...table] = formatTable({
    headers: [...headers, "Message"],
    rows: rows.map(({ cells, lines }) => [...cells, lines[0]]),
    hasHeaders: true,
  });
  return [header, ...rows.flatMap(({ lines }, at) => [table[at] ?? "", ...lines.slice(1).map((line) => `  ${line}`)])];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", `${title}:`, ...lines.map((line) => `  ${line}`.trimEnd())];
}
