import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBearerProxy } from "./bearer-proxy.ts";
import { compareReports, scoreOf } from "./compare-reports.ts";
import { startClientDriver } from "./client-driver.ts";
import { expectedClientFailures, expectedFailures } from "./expected-failures.ts";
import { type RunningGateway, startGateway } from "./gateway.ts";
import { type ScenarioReport, testClient, testServer } from "./run-suite.ts";
import { REVISIONS } from "./suite.ts";
import { startUpstream, UPSTREAMS } from "./upstreams.ts";

const NOTHING = { unexpected: [], stale: [] };

// A fixture that falls short of the suite would make the runs through the gateway worthless.
describe("the fixtures", () => {
  it.each([
    ["modern", "2025-11-25", "30 of 30"],
    ["modern", "2026-07-28", "37 of 37"],
    ["legacy", "2025-11-25", "30 of 30"],
  ] as const)("the %s one passes everything of %s, which is %s", async (era, revision, score) => {
    await using upstream = await startUpstream(era);
    const reports = await testServer(upstream.url, { revision });
    expect(compareReports(reports, [])).toEqual(NOTHING);
    expect(scoreOf(reports)).toBe(score);
  });
});

describe("the gateway", () => {
  const cleanup = new AsyncDisposableStack();
  let gateway: RunningGateway;
  beforeAll(async () => {
    gateway = cleanup.use(await startGateway());
  });
  afterAll(() => cleanup.disposeAsync());

  describe.each(UPSTREAMS)("in front of a %s server", (era) => {
    let url: string;
    beforeAll(async () => {
      const upstream = cleanup.use(await startUpstream(era));
      url = cleanup.use(await startBearerProxy(await gateway.expose(era, upstream.url))).url;
    });

    it.each(REVISIONS)("passes what it should of %s, and nothing else", async (revision) => {
      const reports = await testServer(url, { revision });
      report(`${revision}, ${era} server`, reports);
      expect(compareReports(reports, expectedFailures(era, revision))).toEqual(NOTHING);
    });
  });

  it.each(REVISIONS)("is the client that it should be of %s, and no other", async (revision) => {
    await using driver = await startClientDriver(gateway);
    const reports = await testClient(driver.command, { revision });
    report(`${revision}, as client`, reports);
    expect(compareReports(reports, expectedClientFailures(revision))).toEqual(NOTHING);
  });
});

function report(what: string, reports: ScenarioReport[]): void {
  process.stdout.write(`${what}: ${scoreOf(reports)} scored scenarios passed\n`);
}
