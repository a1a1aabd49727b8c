/**
 * Runs the official conformance suite by hand, through the built gateway or straight against a fixture, and prints
 * every check that did not pass:
 *
 *     pnpm conformance --upstream legacy --requirements 2025-11-25 --scenario tools-list
 *     pnpm conformance --upstream modern --requirements 2026-07-28 --direct
 *
 * Without options it runs all four combinations; --scenario runs one scenario of each. A scenario that is not scored
 * is one that the revision does not demand, or that belongs to an extension.
 */
import { parseArgs } from "node:util";
import { scoreOf } from "./compare-reports.ts";
import { startGateway } from "./gateway.ts";
import { isPassed, type ScenarioReport, testServer } from "./run-suite.ts";
import { REVISIONS, type Revision } from "./suite.ts";
import { startUpstream, type UpstreamEra, UPSTREAMS } from "./upstreams.ts";

const { values } = parseArgs({
  options: {
    upstream: { type: "string", multiple: true, default: [...UPSTREAMS] },
    requirements: { type: "string", multiple: true, default: [...REVISIONS] },
    scenario: { type: "string" },
    direct: { type: "boolean", default: false },
  },
});

const eras = values.upstream.map((name) => oneOf<UpstreamEra>(name, UPSTREAMS));
const revisions = values.requirements.map((name) => oneOf<Revision>(name, REVISIONS));

function oneOf<T extends string>(name: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === name);
  if (found === undefined) throw new Error(`"${name}" is none of ${choices.join(", ")}`);
  return found;
}

function print(report: ScenarioReport): void {
  const { scenario, standing } = report;
  const marks = `${isPassed(report) ? "ok    " : "FAILED"} ${scenario}${standing === "scored" ? "" : ` (${standing})`}`;
  const findings = report.findings.map(({ checkId, message }) => `         ${checkId}: ${message}\n`);
  process.stdout.write(`${marks}\n${findings.join("")}`);
}

await using gateway = values.direct ? undefined : await startGateway();
for (const era of eras) {
  await using upstream = await startUpstream(era);
  const url = (await gateway?.expose(era, upstream.url)) ?? upstream.url;
  for (const revision of revisions) {
    process.stdout.write(`\n${revision}, ${era} upstream, ${values.direct ? "without" : "through"} the gateway\n`);
    const reports = await testServer(url, { revision, scenario: values.scenario });
    for (const report of reports) print(report);
    process.stdout.write(`${scoreOf(reports)} scored scenarios passed\n`);
  }
}
