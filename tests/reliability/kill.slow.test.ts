import { describe, expect, it } from "vitest";
import { startPostgresqlTarget } from "./postgresql-target.ts";
import { announceSeed, createRandom } from "./random.ts";
import { type Report, runRounds } from "./rounds.ts";
import type { Target } from "./target.ts";
import { startUpTarget } from "./up-target.ts";

const ROUNDS = 20;
/** For a machine that others use as well. */
const TIMEOUT_MS = 1_800_000;

const seed = announceSeed("tests/reliability/kill");

describe("kill -9 under mixed writes", () => {
  it.each([
    ["mcpctl up on PGlite", startUpTarget],
    ["mcpd and PostgreSQL", startPostgresqlTarget],
  ])(
    "of %s loses nothing that was acknowledged and leaves nothing behind",
    { timeout: TIMEOUT_MS },
    async (_, begin) => {
      await using target = await begin();
      const report = await runRounds(target, createRandom(`${seed}/${target.engine}`), ROUNDS);
      process.stdout.write(`${summarize(target, report)}\n`);
      expect(report.violations, `seed ${seed}`).toEqual([]);
      expect(report.rounds).toBe(ROUNDS);
      // A suite whose kills meet no write, or no watch, proves nothing.
      expect(count(report, "none")).toBeGreaterThan(ROUNDS);
      expect(report.resumed).toBeGreaterThan(ROUNDS);
    },
  );
});

function summarize({ engine }: Target, report: Report): string {
  const broken = (kind: string) => report.violations.filter((violation) => violation.kind === kind).length;
  const { rounds, resumed } = report;
  return [
    `${engine}: ${rounds} rounds`,
    `${count(report, "stored")} acknowledged writes`,
    `${broken("lost")} lost`,
    `${broken("orphan")} orphans`,
    `${count(report, "refused")} refused`,
    `${count(report, "none")} unanswered`,
    `${resumed} watches resumed`,
    `seed ${seed}`,
  ].join(", ");
}

function count({ ledger }: Report, answer: string): number {
  return ledger.filter(({ outcome }) => outcome.answer === answer).length;
}
