import { isPassed, type ScenarioReport } from "./run-suite.ts";

interface Comparison {
  /** What failed and should have passed, with its message. */
  unexpected: string[];
  /** What passed, or does not exist, and should have failed. */
  stale: string[];
}

/**
 * Compares what a run reported with what was expected to fail. Extensions are left out, since nobody has to serve them.
 *
 * @param expected names of scenarios, or `<scenario>:<check-id>`.
 */
export function compareReports(reports: readonly ScenarioReport[], expected: readonly string[]): Comparison {
  const failures = reports.filter(({ standing }) => standing !== "extension").flatMap(failuresOf);
  const isExpected = ({ scenario, checkId }: Failure) =>
    expected.includes(scenario) || expected.includes(`${scenario}:${checkId}`);
  const hasFailed = (entry: string) =>
    failures.some(({ scenario, checkId }) => entry === scenario || entry === `${scenario}:${checkId}`);
  return {
    unexpected: failures
      .filter((failure) => !isExpected(failure))
      .map(({ scenario, checkId, message }) => `${scenario}:${checkId}: ${message}`),
    stale: expected.filter((entry) => !hasFailed(entry)),
  };
}

interface Failure {
  scenario: string;
  checkId: string;
  message: string;
}

function failuresOf(report: ScenarioReport): Failure[] {
  if (isPassed(report)) return [];
  const { scenario, findings } = report;
  if (findings.length === 0) return [{ scenario, checkId: "untested", message: "no check was made" }];
  return findings.map(({ checkId, message }) => ({ scenario, checkId, message }));
}

/** How many of the scenarios that the revision demands passed, as `30 of 30`. */
export function scoreOf(reports: readonly ScenarioReport[]): string {
  const scored = reports.filter(({ standing }) => standing === "scored");
  return `${scored.filter(isPassed).length} of ${scored.length}`;
}
