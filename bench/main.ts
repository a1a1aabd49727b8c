/** `pnpm bench`: measures the built programs against the same server reached directly and through bare proxies. */
import { createWriteStream } from "node:fs";
import { parseArgs } from "node:util";
import type { Row } from "./measure/rows.ts";
import { compareWithBars } from "./report/bars.ts";
import { summarize } from "./report/summary.ts";
import { faults } from "./suites/faults.ts";
import { handshake } from "./suites/handshake.ts";
import { hotPath } from "./suites/hot-path.ts";
import { memory } from "./suites/memory.ts";
import { openLoop } from "./suites/open-loop.ts";
import { startUp } from "./suites/start-up.ts";
import type { Suite } from "./suites/suite.ts";

const SUITES: readonly Suite[] = [hotPath, handshake, openLoop, memory, startUp, faults];

const HELP = `Usage: pnpm bench [SUITE...] [--rounds N] [--seconds S] [--json FILE]

Suites: ${SUITES.map(({ name }) => name).join(", ")}; all of them when none is named.

  --rounds N    how often everything is measured, in alternating order; 5 when absent
  --seconds S   how long each measurement takes; 1 when absent
  --json FILE   writes every measurement as a line of JSON too
`;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "1" },
    json: { type: "string" },
    help: { type: "boolean", short: "h", default: false },
  },
});

const unknown = positionals.filter((name) => !SUITES.some((suite) => suite.name === name));
if (options.help) process.stdout.write(HELP);
else if (unknown.length > 0) {
  process.stderr.write(`There is no suite ${unknown.join(", ")}\n\n${HELP}`);
  process.exitCode = 2;
} else await measure(SUITES.filter(({ name }) => positionals.length === 0 || positionals.includes(name)));

async function measure(suites: readonly Suite[]): Promise<void> {
  const rows: Row[] = [];
  for (const suite of suites) {
    rows.push(
      ...(await suite.run({
        rounds: Number(options.rounds),
        seconds: Number(options.seconds),
        progress: (text) => process.stderr.write(`${text}\n`),
      })),
    );
  }
  if (options.json !== undefined) writeLines(options.json, rows);
  process.stdout.write(`${summarize(rows)}\n\n${compareWithBars(rows)}\n`);
}

function writeLines(path: string, rows: readonly Row[]): void {
  const file = createWriteStream(path);
  for (const row of rows) file.write(`${JSON.stringify(row)}\n`);
  file.end();
}
