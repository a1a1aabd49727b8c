import { join } from "node:path";
import type { Row } from "./measure/rows.ts";
import { readRows } from "./measure/rows-file.ts";
import { findFalls, medianRatioOf, ratioOf, WATCHED } from "./report/falls.ts";
import { formatFigure } from "./report/table.ts";
import { createCells, measureCells } from "./suites/hot-path.ts";
import { startTargets } from "./targets/all.ts";

const RECORDED = join(import.meta.dirname, "recorded.jsonl");
const ATTEMPTS = 2;
const TARGETS = ["gateway", "undici"];
const SHORT = { rounds: 7, seconds: 0.3 };

/**
 * Measures for some seconds whether the gateway has become grossly slower, relative to a bare proxy, than when the
 * figures were recorded. Looks twice before it says so.
 */
export async function isAsFastAsRecorded(say: (text: string) => void): Promise<boolean> {
  const recorded = readRows(RECORDED);
  const isCompared = (name: string) => TARGETS.includes(name);
  await using targets = await startTargets(isCompared);
  const compared = targets.all.filter(({ name }) => isCompared(name));
  const cells = createCells().filter(({ name }) => WATCHED.includes(name));
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const measured = await measureCells(compared, cells, { ...SHORT, progress: () => undefined });
    for (const name of WATCHED) say(tell(name, { recorded, measured }));
    const falls = findFalls(recorded, measured);
    if (falls.length === 0) return true;
    const names = falls.map((fall) => fall.case).join(", ");
    say(`${names}: less than half of what is recorded${attempt < ATTEMPTS ? "; measuring once more" : ""}`);
  }
  say("The gateway has become much slower. Find out where with: pnpm bench hot-path");
  return false;
}

function tell(name: string, { recorded, measured }: Record<"recorded" | "measured", readonly Row[]>): string {
  const [now, then] = [ratioOf(measured, name), medianRatioOf(recorded, name)].map(formatFigure);
  return `${name}: ${now} of the throughput of a bare proxy; recorded: ${then}`;
}
