import type { Column, Kind, Resource } from "@mcpctl/shared/kinds/kind.ts";
import { toAge } from "./age.ts";
import { formatTable } from "./table.ts";

export interface ResourceTable {
  kind: Kind;
  resources: readonly Resource[];
  isWide: boolean;
  hasHeaders: boolean;
  /** Whether objects of several projects stand together. */
  hasProjects: boolean;
  /** Writes `server/files` instead of `files`, where several kinds are shown. */
  isPrefixed: boolean;
  now: Date;
}

interface Cell {
  header: string;
  value(resource: Resource): string | undefined;
}

/** The columns of the kind between name and age, as `get` shows them. */
export function formatResourceTable({ kind, resources, now, ...style }: ResourceTable): string[] {
  const usual = kind.columns.filter((column) => !column.wide);
  const wide = style.isWide ? kind.columns.filter((column) => column.wide) : [];
  const cells: Cell[] = [
    ...(style.hasProjects ? [{ header: "Project", value: ({ metadata }: Resource) => metadata.project }] : []),
    {
      header: "Name",
      value: ({ metadata }) => (style.isPrefixed ? `${kind.singular}/${metadata.name}` : metadata.name),
    },
    ...usual.map((column) => ({
      header: column.header,
      value: (resource: Resource) => columnValue(column, resource, now),
    })),
    { header: "Age", value: ({ metadata }) => toAge(metadata.createdAt ?? "", now) },
    ...wide.map((column) => ({
      header: column.header,
      value: (resource: Resource) => columnValue(column, resource, now),
    })),
  ];
  return formatTable({
    headers: cells.map(({ header }) => header),
    rows: resources.map((resource) => cells.map((cell) => cell.value(resource))),
    hasHeaders: style.hasHeaders,
  });
}

/** An object of another version of mcpd may lack what a column reads; one cell is no reason to show no table. */
export function columnValue(column: Column<Resource>, resource: Resource, now: Date): string | undefined {
  try {
    const value = column.value(resource);
    return value === undefined ? undefined : toAge(value, now);
  } catch (thrown) {
    if (thrown instanceof TypeError) return undefined;
    throw thrown;
  }
}
