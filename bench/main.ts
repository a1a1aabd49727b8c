/** `pnpm bench`: measures the built programs against the same server reached directly and through bare proxies. */
import { parseArgs } from "node:util";
import { isAsFastAsRecorded } from "./check.ts";
import type { Row } from "./measure/rows.ts";
import { readRows, writeRows } from "./measure/rows-file.ts";
import { listTables, updatePage } from "./report/page.ts";
import { writePlots } from "./report/plots/write-plots.ts";
import { summarize } from "./report/summary.ts";
import { faults } from "./suites/faults.ts";
import { formatTable } from "./report/table.ts";
import { decision } from "./suites/decision.ts";
import { GROWTH } from "./suites/growth.ts";
import { handshake } from "./suites/handshake.ts";
import { hotPath } from "./suites/hot-path.ts";
import { memory } from "./suites/memory.ts";
import { openLoop } from "./suites/open-loop.ts";
import { startUp } from "./suites/start-up.ts";
import type { Suite } from "./suites/suite.ts";

const SUITES: readonly Suite[] = [hotPath, handshake, openLoop, memory, startUp, faults, decision, ...GROWTH];

const HELP = `Usage: pnpm bench [SUITE...] [--rounds N] [--seconds S] [--json FILE]
       pnpm bench --from FILE [--page PAGE] [--plots DIR]
       pnpm bench --check

Suites: ${SUITES.map(({ name }) => name).join(", ")}; "growth" is all that begin with it; all of them when none is named.

  --rounds N    how often everything is measured, in alternating order; 5 when absent
  --seconds S   how long each measurement takes; 1 when absent
  --json FILE   writes every measurement as a line of JSON too
  --from FILE   reports such measurements instead of making new ones
  --page PAGE   puts the tables into the page, between its markers
  --plots DIR   draws the plots as SVG
  --check       compares a short run with what is recorded, and fails when speed has fallen to less than half
`;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "1" },
    json: { type: "string" },
    from: { type: "string" },
    page: { type: "string" },
    plots: { type: "string" },
    check: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

const progress = (text: string) => void process.stderr.write(`${text}\n`);
const isWanted = (name: string) =>
  positionals.length === 0 || positionals.some((wanted) => name === wanted || name.startsWith(`${wanted}-`));
const unknown = positionals.filter((wanted) => !SUITES.some(({ name }) => `${name}-`.startsWith(`${wanted}-`)));

if (options.help) process.stdout.write(HELP);
else if (unknown.length > 0) {
  process.stderr.write(`There is no suite ${unknown.join(", ")}\n\n${HELP}`);
  process.exitCode = 2;
} else if (options.check) process.exitCode = (await isAsFastAsRecorded(progress)) ? 0 : 1;
else await report(options.from === undefined ? await measure() : readRows(options.from));

async function measure(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const suite of SUITES.filter(({ name }) => isWanted(name))) {
    rows.push(...(await suite.run({ rounds: Number(options.rounds), seconds: Number(options.seconds), progress })));
    // After each suite: what took an hour must not be lost with the next one.
    if (options.json !== undefined) writeRows(options.json, rows);
  }
  return rows;
}

async function report(rows: readonly Row[]): Promise<void> {
  const tables = listTables(rows).map(({ name, table }) => `${name}\n\n${formatTable(table)}`);
  process.stdout.write(`${[summarize(rows), ...tables].join("\n\n")}\n`);
  if (options.page !== undefined) updatePage(options.page, rows);
  if (options.plots !== undefined) for (const name of await writePlots(options.plots, rows)) progress(`drew ${name}`);
}
