import { describe, expect, it } from "vitest";
import { compareReports, scoreOf } from "./compare-reports.ts";
import type { Finding, ScenarioReport } from "./run-suite.ts";

function report(scenario: string, findings: Finding[], rest: Partial<ScenarioReport> = {}): ScenarioReport {
  return { scenario, standing: "scored", passed: 1, findings, ...rest };
}

const broken = report("tools-list", [
  { checkId: "order", message: "not the same twice" },
  { checkId: "names", message: "too long" },
]);

describe("compareReports", () => {
  it("finds nothing where everything passes", () => {
    expect(compareReports([report("ping", [])], [])).toEqual({ unexpected: [], stale: [] });
  });

  it("tells each check that should have passed, with its message", () => {
    const { unexpected } = compareReports([broken], ["tools-list:order"]);
    expect(unexpected).toEqual(["tools-list:names: too long"]);
  });

  it("lets a whole scenario fail, or single checks of it", () => {
    const nothing = { unexpected: [], stale: [] };
    expect(compareReports([broken], ["tools-list"])).toEqual(nothing);
    expect(compareReports([broken], ["tools-list:order", "tools-list:names"])).toEqual(nothing);
  });

  it("calls what passes, and what does not exist, stale", () => {
    const expected = ["ping", "tools-list", "tools-list:gone", "no-such-scenario"];
    const { stale } = compareReports([report("ping", []), broken], expected);
    expect(stale).toEqual(["ping", "tools-list:gone", "no-such-scenario"]);
  });

  it("takes a scenario in which nothing was checked for a failure", () => {
    const { unexpected } = compareReports([report("ping", [], { passed: 0 })], []);
    expect(unexpected).toEqual(["ping:untested: no check was made"]);
  });

  it("leaves extensions out", () => {
    const extension = report("tasks-lifecycle", broken.findings, { standing: "extension" });
    expect(compareReports([extension], [])).toEqual({ unexpected: [], stale: [] });
  });
});

describe("scoreOf", () => {
  it("counts what the revision demands", () => {
    expect(scoreOf([report("ping", []), broken, report("extra", [], { standing: "unscored" })])).toBe("1 of 2");
  });
});
