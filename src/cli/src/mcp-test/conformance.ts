import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { LATEST_LEGACY_VERSION, MODERN_VERSION } from "@mcpctl/shared/mcp/protocol.ts";
import type { Environment } from "../config.ts";
import { type BoundCheck, type Outcome, skip, violated } from "./check.ts";
import { readScenarios, type Scenario } from "./conformance-results.ts";
import type { Endpoint } from "./endpoint.ts";
import { startHeaderProxy } from "./header-proxy.ts";
import { runToEnd } from "./run-to-end.ts";

/** The official suite. @see https://github.com/modelcontextprotocol/conformance */
const SUITE = "@modelcontextprotocol/conformance@0.2.0-alpha.12";
const REFERENCE = "the official conformance suite";
const SCOPE = "conformance";
const LIMIT_MS = 15 * 60_000;

interface Running {
  environment: Environment;
  signal: AbortSignal;
}

/** Runs the official suite against each era that an endpoint speaks, and makes checks of its scenarios. */
export function findConformanceChecks(running: Running): (endpoint: Endpoint) => Promise<BoundCheck[]> {
  return async (endpoint) => {
    const { modern, legacy, settings, headers } = endpoint;
    const revisions = [...(modern ? [MODERN_VERSION] : []), ...(legacy ? [LATEST_LEGACY_VERSION] : [])];
    if (revisions.length === 0) return [];
    await using proxy = await startHeaderProxy(settings.url, headers);
    const checks: BoundCheck[] = [];
    for (const revision of revisions) {
      const scenarios = await attemptSuite({ url: proxy.url, revision }, running);
      if (scenarios instanceof McpctlError) return [unavailable(scenarios)];
      checks.push(...scenarios.map((scenario) => toCheck(scenario, revision)));
    }
    return checks;
  };
}

/** A suite that cannot be had takes nothing from the other checks. */
async function attemptSuite(run: SuiteRun, running: Running): Promise<Scenario[] | McpctlError> {
  try {
    return await runSuite(run, running);
  } catch (thrown) {
    if (running.signal.aborted || !(thrown instanceof McpctlError)) throw thrown;
    return thrown;
  }
}

interface SuiteRun {
  url: string;
  revision: string;
}

/** @throws {McpctlError} `conformance-unavailable` */
async function runSuite({ url, revision }: SuiteRun, { environment, signal }: Running): Promise<Scenario[]> {
  const directory = await mkdtemp(join(tmpdir(), "mcpctl-test-suite-"));
  try {
    const results = join(directory, "results");
    const { output, errors } = await runToEnd("npx", {
      args: ["-y", SUITE, "server", "--url", url, "--requirements", revision, "-o", results],
      cwd: directory,
      environment,
      signal: AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]),
    });
    const scenarios = await readScenarios(results, output);
    if (scenarios.length > 0) return scenarios;
    const why = errors.trim().split("\n").at(-1) || "it wrote no results";
    throw new McpctlError("conformance-unavailable", `${SUITE} did not run: ${why}`);
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

function unavailable({ message }: McpctlError): BoundCheck {
  return {
    scope: SCOPE,
    id: `${SCOPE}.suite`,
    title: "The official suite can be had",
    severity: "error",
    reference: REFERENCE,
    run: () => violated(message, { code: "conformance-unavailable" }),
  };
}

function toCheck(scenario: Scenario, revision: string): BoundCheck {
  return {
    scope: SCOPE,
    id: `${SCOPE}.${revision}.${scenario.name}`,
    title: `Scenario ${scenario.name} of revision ${revision}`,
    severity: "error",
    reference: REFERENCE,
    run: () => judge(scenario),
  };
}

function judge({ checks, notScored }: Scenario): Outcome {
  const of = (status: string) => checks.filter((check) => check.status === status);
  const [failures, warnings] = [of("FAILURE"), of("WARNING")];
  const [first] = [...failures, ...warnings];
  if (!first) return of("SUCCESS").length > 0 ? { status: "ok" } : skip("nothing in it applies");
  const count = `${failures.length} of ${checks.length} failed`;
  const seen = `${count}; ${first.id}: ${first.errorMessage ?? first.status}`;
  if (notScored !== undefined) return skip(`not part of the revision (${notScored}); ${seen}`);
  return violated(seen, { severity: failures.length > 0 ? "error" : "warning" });
}
