import { McpctlError } from "@mcpctl/shared/errors.ts";
import { withoutSecrets } from "@mcpctl/shared/redact.ts";
import { type BoundCheck, type Outcome, violated } from "./check.ts";
import type { CheckResult, Status } from "./report.ts";

/** Requests of several checks at a time; more would test how the server bears load. */
const MAX_PARALLEL = 4;
/** Answers that one check may wait for, one after the other. */
const ANSWERS_PER_CHECK = 6;
/** Characters of what a server said; the rest is its own matter. */
const MAX_SEEN = 400;

export interface RunOptions {
  /** Limit for one answer. */
  timeoutMs: number;
  /** Warnings fail. */
  isStrict: boolean;
  /** Taken out of what servers say. */
  secrets: readonly string[];
  signal: AbortSignal;
}

/**
 * Runs checks, several at a time, and after them those that run alone.
 *
 * @returns one result for each check, in the order of the checks.
 */
export async function runChecks(checks: readonly BoundCheck[], options: RunOptions): Promise<CheckResult[]> {
  const results = new Map<BoundCheck, CheckResult>();
  const waiting = checks.filter((check) => !check.isAlone);
  const work = async () => {
    for (let check = waiting.shift(); check; check = waiting.shift())
      results.set(check, await runCheck(check, options));
  };
  await Promise.all(Array.from({ length: MAX_PARALLEL }, work));
  for (const check of checks.filter(({ isAlone }) => isAlone)) results.set(check, await runCheck(check, options));
  return checks.flatMap((check) => results.get(check) ?? []);
}

async function runCheck(check: BoundCheck, options: RunOptions): Promise<CheckResult> {
  const startedAt = performance.now();
  const outcome = await outcomeOf(check, options);
  const severity = outcome.status === "violated" ? (outcome.severity ?? check.severity) : check.severity;
  const code = outcome.status === "violated" ? (outcome.code ?? check.code ?? "protocol-violation") : undefined;
  return {
    id: check.id,
    scope: check.scope,
    title: check.title,
    status: statusOf(outcome, options.isStrict ? "error" : severity),
    severity,
    reference: check.reference,
    seen: outcome.seen === undefined ? undefined : shown(outcome.seen, options.secrets),
    durationMs: Math.round(performance.now() - startedAt),
    code,
  };
}

function shown(seen: string, secrets: readonly string[]): string {
  const text = withoutSecrets(seen, secrets);
  return text.length > MAX_SEEN ? `${text.slice(0, MAX_SEEN)}...` : text;
}

function statusOf({ status }: Outcome, severity: CheckResult["severity"]): Status {
  if (status !== "violated") return status;
  return severity === "error" ? "fail" : "warn";
}

/** A server that does not answer, or hangs up, breaks the rule that was asked about. */
async function outcomeOf(check: BoundCheck, { timeoutMs, signal }: RunOptions): Promise<Outcome> {
  const deadline = Promise.withResolvers<Outcome>();
  const limitMs = timeoutMs * ANSWERS_PER_CHECK;
  const timer = setTimeout(() => deadline.resolve(violated(`not decided within ${limitMs} ms`)), limitMs);
  try {
    return await Promise.race([check.run(), deadline.promise]);
  } catch (thrown) {
    if (signal.aborted || !(thrown instanceof McpctlError)) throw thrown;
    return violated(thrown.message);
  } finally {
    clearTimeout(timer);
  }
}
