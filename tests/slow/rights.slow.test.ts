import fc from "fast-check";
import { expect, it } from "vitest";
import { Runner } from "../model/runner.ts";
import { programs } from "../model/steps.ts";
import { startRest } from "../support/rest.ts";

const STEPS = 400;
const RUNS = 52;

it("random programs of grants, groups, mints and uses agree with the model of sets", async () => {
  await using rest = await startRest(undefined);
  const runner = new Runner(rest);
  await runner.prepare();
  await fc.assert(
    fc.asyncProperty(programs(STEPS), (program) => runner.run(program)),
    { numRuns: RUNS, endOnFailure: true },
  );
  const { steps, allowed } = runner.counts;
  process.stdout.write(`rights: ${steps} steps, ${allowed} of them allowed, all as the model says\n`);
  expect(steps).toBeGreaterThanOrEqual(20_000);
  expect(allowed).toBeGreaterThan(steps / 10);
}, 1_200_000);
