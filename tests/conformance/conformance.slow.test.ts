import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compareReports, scoreOf } from "./compare-reports.ts";
import { expectedFailures } from "./expected-failures.ts";
import { type OpenGateway, startGateway } from "./gateway.ts";
import { testServer } from "./run-suite.ts";
import { type Revision, REVISIONS } from "./suite.ts";
import { startUpstream, type UpstreamEra, type UpstreamFixture, UPSTREAMS } from "./upstreams.ts";

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
  const upstreams = new Map<UpstreamEra, UpstreamFixture>();
  let gateway: OpenGateway;
  beforeAll(async () => {
    for (const era of UPSTREAMS) upstreams.set(era, cleanup.use(await startUpstream(era)));
    gateway = cleanup.use(await startGateway());
  });
  afterAll(() => cleanup.disposeAsync());

  describe.each(UPSTREAMS)("in front of a %s server", (era) => {
    let url: string;
    beforeAll(async () => {
      url = await gateway.expose(era, upstreams.get(era)?.url ?? "");
    });

    it.each(REVISIONS)("passes what it should of %s, and nothing else", async (revision: Revision) => {
      const reports = await testServer(url, { revision });
      process.stdout.write(`${revision}, ${era} server: ${scoreOf(reports)} scored scenarios passed\n`);
      expect(compareReports(reports, expectedFailures(era, revision))).toEqual(NOTHING);
    });
  });
});
