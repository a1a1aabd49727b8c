import type { ErrorCode } from "@mcpctl/shared/errors.ts";

/** Whether breaking a rule fails the test, or is only worth a word. */
export type Severity = "error" | "warning";

interface Violation {
  status: "violated";
  /** What the server did instead, in a few words. */
  seen: string;
  /** Where it depends on what was seen. */
  severity?: Severity | undefined;
  code?: ErrorCode | undefined;
}

/** What became of one check. `seen` may hold text of the server. */
export type Outcome = { status: "ok"; seen?: string | undefined } | Violation | { status: "skip"; seen: string };

/** One rule, as data and a function that finds out whether a target keeps it. */
export interface Check<Target> {
  /** Unique in its list; the scope comes before it in reports. Public: add, never rename. */
  id: string;
  /** The rule as a sentence. */
  title: string;
  severity: Severity;
  /** Where the rule is written. */
  reference: string;
  /** What a failure is to scripts; a broken rule of the protocol when absent. */
  code?: ErrorCode;
  /** Runs when nothing else does: it measures, or changes something. */
  isAlone?: boolean;
  run(target: Target): Promise<Outcome> | Outcome;
}

/** A rule together with what it is asked of. */
export interface BoundCheck extends Omit<Check<unknown>, "run"> {
  scope: string;
  run(): Promise<Outcome> | Outcome;
}

export function bindChecks<Target>(scope: string, target: Target, checks: readonly Check<Target>[]): BoundCheck[] {
  return checks.map((check) => ({ ...check, scope, id: `${scope}.${check.id}`, run: () => check.run(target) }));
}

export function ok(seen?: string): Outcome {
  return { status: "ok", seen };
}

export function skip(seen: string): Outcome {
  return { status: "skip", seen };
}

export function violated(seen: string, detail: Pick<Violation, "severity" | "code"> = {}): Outcome {
  return { status: "violated", seen, ...detail };
}

const MAX_NAMED = 3;

/** Fails with the first few of what was found; nothing found is good. */
export function noneOf(found: readonly string[]): Outcome {
  if (found.length === 0) return ok();
  const more = found.length > MAX_NAMED ? `; and ${found.length - MAX_NAMED} more` : "";
  return violated(`${found.slice(0, MAX_NAMED).join("; ")}${more}`);
}

/** The first outcome that is not good, or else the last. */
export async function firstBad(steps: Iterable<() => Promise<Outcome> | Outcome>): Promise<Outcome> {
  let last: Outcome = ok();
  for (const step of steps) {
    last = await step();
    if (last.status === "violated") return last;
  }
  return last;
}
