/**
 * Runs the official conformance suite by hand, and prints every check that did not pass:
 *
 *     pnpm conformance --upstream legacy --requirements 2025-11-25 --scenario tools-list
 *     pnpm conformance --upstream modern --requirements 2026-07-28 --direct
 *     pnpm conformance --client --requirements 2026-07-28 --scenario http-custom-headers
 *
 * The suite calls the built gateway, in front of a fixture of either era; with --direct it calls the fixture itself, and
 * with --client it is the server that the gateway calls. Without options it runs all four combinations of upstream and
 * revision. Scenarios marked "unscored" or "extension" are not demanded by the revision.
 */
import { parseArgs } from "node:util";
import { startBearerProxy } from "./bearer-proxy.ts";
import { startClientDriver } from "./client-driver.ts";
import { scoreOf } from "./compare-reports.ts";
import { startGateway } from "./gateway.ts";
import { isPassed, type ScenarioReport, testClient, testServer } from "./run-suite.ts";
import { REVISIONS } from "./suite.ts";
import { startUpstream, type UpstreamEra, UPSTREAMS } from "./upstreams.ts";

const { values } = parseArgs({
  options: {
    upstream: { type: "string", multiple: true, default: [...UPSTREAMS] },
    requirements: { type: "string", multiple: true, default: [...REVISIONS] },
    scenario: { type: "string" },
    direct: { type: "boolean", default: false },
    client: { type: "boolean", default: false },
  },
});

const selections = values.requirements.map((name) => ({
  revision: oneOf(name, REVISIONS),
  scenario: values.scenario,
}));

function oneOf<T extends string>(name: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === name);
  if (found === undefined) throw new Error(`"${name}" is none of ${choices.join(", ")}`);
  return found;
}

function print(title: string, reports: readonly ScenarioReport[]): void {
  const lines = reports.flatMap((report) => {
    const { scenario, standing, findings } = report;
    const verdict = `${isPassed(report) ? "ok    " : "FAILED"} ${scenario}${standing === "scored" ? "" : ` (${standing})`}`;
    return [verdict, ...findings.map(({ checkId, message }) => `         ${checkId}: ${message}`)];
  });
  process.stdout.write(`\n${[title, ...lines].join("\n")}\n${scoreOf(reports)} scored scenarios passed\n`);
}

async function runAgainstServers(eras: readonly UpstreamEra[]): Promise<void> {
  await using gateway = values.direct ? undefined : await startGateway();
  for (const era of eras) {
    await using upstream = await startUpstream(era);
    await using proxy = gateway && (await startBearerProxy(await gateway.expose(era, upstream.url)));
    const title = values.direct ? `the ${era} fixture` : `the gateway in front of a ${era} server`;
    for (const selection of selections) {
      print(`${selection.revision}, ${title}`, await testServer((proxy ?? upstream).url, selection));
    }
  }
}

async function runAgainstClient(): Promise<void> {
  await using gateway = await startGateway();
  await using driver = await startClientDriver(gateway);
  for (const selection of selections) {
    print(`${selection.revision}, the gateway as a client`, await testClient(driver.command, selection));
  }
  process.stdout.write(`\nWhat clients of the gateway were told:\n${driver.errors.join("\n")}\n`);
}

if (values.client) await runAgainstClient();
else await runAgainstServers(values.upstream.map((name) => oneOf(name, UPSTREAMS)));
