import { glob, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";
import { run } from "../support/programs.ts";
import { type Leg, readRequirements, type Revision, type Standing, SUITE_PROGRAM } from "./suite.ts";

/** All clients start at once, which takes its time where there are few cores. */
const CLIENT_TIMEOUT_MS = "120000";

/** A check that every scenario makes of the messages that it got, however few. */
const EVERYWHERE = "wire-schema-valid";

/** What of the suite is run: all that a revision requires, or one scenario at the revision's wire. */
export interface Selection {
  revision: Revision;
  scenario?: string | undefined;
}

/** A check that did not pass; a warning is one too, since it is a SHOULD that was not kept. */
export interface Finding {
  checkId: string;
  message: string;
}

export interface ScenarioReport {
  scenario: string;
  standing: Standing;
  /** Checks of the scenario's own that passed. */
  passed: number;
  findings: Finding[];
}

const checks = z.array(
  z.object({
    id: z.string(),
    description: z.string(),
    status: z.enum(["SUCCESS", "FAILURE", "WARNING", "SKIPPED", "INFO"]),
    errorMessage: z.string().optional(),
    details: z.object({ violations: z.array(z.unknown()).optional() }).optional(),
  }),
);

/** Runs the suite against a server. @returns one report for each scenario, in the order of the requirements. */
export function testServer(url: string, selection: Selection): Promise<ScenarioReport[]> {
  return runSuite("server", ["--url", url], selection);
}

/**
 * Runs the suite against a client: a command that gets the URL of the scenario's server as its last argument.
 * All scenarios run at once.
 */
export function testClient(command: string, selection: Selection): Promise<ScenarioReport[]> {
  return runSuite("client", ["--command", command, "--timeout", CLIENT_TIMEOUT_MS], selection);
}

/** Whether a scenario passed: some check did, and none failed. */
export function isPassed({ passed, findings }: ScenarioReport): boolean {
  return passed > 0 && findings.length === 0;
}

async function runSuite(leg: Leg, target: string[], { revision, scenario }: Selection): Promise<ScenarioReport[]> {
  const out = await mkdtemp(join(tmpdir(), "mcpctl-conformance-"));
  try {
    const what = scenario
      ? ["--scenario", scenario, "--spec-version", revision, "--force"]
      : ["--requirements", revision];
    const { stdout, stderr } = await run(SUITE_PROGRAM, [leg, ...target, ...what, "-o", out]);
    const standings = await readRequirements(revision, leg);
    const recorded = await readChecks(out, leg);
    return (scenario === undefined ? [...standings.keys()] : [scenario]).map((name) => ({
      scenario: name,
      standing: standings.get(name) ?? "unscored",
      ...(recorded.get(name) ?? { passed: 0, findings: [unrecorded(`${stdout}\n${stderr}`)] }),
    }));
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

type Recorded = Pick<ScenarioReport, "passed" | "findings">;

/** The suite writes `<scenario>-<time>/checks.json`, with `server-` before it; a scenario's name may hold slashes. */
async function readChecks(out: string, leg: Leg): Promise<Map<string, Recorded>> {
  const prefix = leg === "server" ? "server-" : "";
  const recorded = new Map<string, Recorded>();
  for await (const file of glob("**/checks.json", { cwd: out })) {
    const name = dirname(file)
      .slice(prefix.length)
      .replace(/-\d{4}-\d{2}-\d{2}T[\d-]+Z$/, "");
    recorded.set(name, summarize(checks.parse(JSON.parse(await readFile(join(out, file), "utf8")))));
  }
  return recorded;
}

function summarize(found: z.infer<typeof checks>): Recorded {
  const failed = found.filter(({ status }) => status === "FAILURE" || status === "WARNING");
  return {
    passed: found.filter(({ id, status }) => status === "SUCCESS" && id !== EVERYWHERE).length,
    findings: failed.map(({ id, errorMessage, description, details }) => {
      const violations = details?.violations ?? [];
      const evidence = violations.length > 0 ? `: ${JSON.stringify(violations)}` : "";
      return { checkId: id, message: `${errorMessage ?? description}${evidence}` };
    }),
  };
}

function unrecorded(output: string): Finding {
  return { checkId: "not-run", message: `The suite recorded nothing. It said:\n${output.slice(-500)}` };
}
