import { readFileSync, writeFileSync } from "node:fs";
import type { Row } from "../measure/rows.ts";
import { compareWithBars } from "./bars.ts";
import { growthTable, listCurves } from "./growth.ts";
import { formatMarkdown, type Table } from "./table.ts";

/** What can be told of these measurements: the promises, where the hot path was measured, and each dimension of growth. */
export function listTables(rows: readonly Row[]): { name: string; table: Table }[] {
  const curves = Map.groupBy(listCurves(rows), ({ suite }) => suite);
  const growth = [...curves].map(([name, ofSuite]) => ({ name, table: growthTable(ofSuite) }));
  const hasPromises = rows.some(({ suite }) => suite === "hot-path" || suite === "memory");
  return [...(hasPromises ? [{ name: "promises", table: compareWithBars(rows) }] : []), ...growth];
}

/**
 * Puts each table between its markers, `<!-- bench:NAME -->` and `<!-- bench:end -->`; what was not measured stays.
 *
 * @throws when the page has no place for a table.
 */
export function fillPage(page: string, rows: readonly Row[]): string {
  return listTables(rows).reduce((text, { name, table }) => fillPlace(text, name, formatMarkdown(table)), page);
}

export function updatePage(path: string, rows: readonly Row[]): void {
  writeFileSync(path, fillPage(readFileSync(path, "utf8"), rows));
}

const END = "<!-- bench:end -->";

function fillPlace(page: string, name: string, table: string): string {
  const begin = `<!-- bench:${name} -->`;
  const from = page.indexOf(begin);
  const to = page.indexOf(END, from);
  if (from < 0 || to < 0) throw new Error(`The page has no place for a table: ${begin} and ${END}`);
  return `${page.slice(0, from)}${begin}\n\n${table}\n\n${page.slice(to)}`;
}
