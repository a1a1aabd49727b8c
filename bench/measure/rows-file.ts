import { readFileSync, writeFileSync } from "node:fs";
import * as z from "zod";
import type { Row } from "./rows.ts";

const row = z.strictObject({
  suite: z.string(),
  case: z.string(),
  target: z.string(),
  round: z.int(),
  // What could not be measured is null: JSON knows no NaN.
  values: z.record(
    z.string(),
    z
      .number()
      .nullable()
      .transform((value) => value ?? NaN),
  ),
});

/** A line of JSON for each measurement. */
export function writeRows(path: string, rows: readonly Row[]): void {
  writeFileSync(path, rows.map((one) => `${JSON.stringify(one)}\n`).join(""));
}

/** Reads what `writeRows` wrote. @throws when a line is no measurement. */
export function readRows(path: string): Row[] {
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => row.parse(JSON.parse(line)));
}
