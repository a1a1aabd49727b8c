import { type BoundCheck, bindChecks } from "./check.ts";
import { AUTH_CHECKS } from "./checks/auth-checks.ts";
import { MODERN_LIST_CHECKS } from "./checks/cache-hints.ts";
import { CONTENT_CHECKS } from "./checks/content-checks.ts";
import { ERROR_CHECKS } from "./checks/error-checks.ts";
import { callExpectations, type Expectations, listExpectations } from "./checks/expectation-checks.ts";
import { LEGACY_CHECKS } from "./checks/legacy-checks.ts";
import { LIST_CHECKS } from "./checks/list-checks.ts";
import { MODERN_CHECKS } from "./checks/modern-checks.ts";
import { PARAMETER_HEADER_CHECK, SCHEMA_CHECKS } from "./checks/schema-checks.ts";
import { SUBSCRIPTION_CHECK } from "./checks/subscription-check.ts";
import { REACH_CHECKS, TRANSPORT_CHECKS } from "./checks/transport-checks.ts";
import { type Endpoint, type Peer, preferredPeer, type TestSettings } from "./endpoint.ts";
import { probeEndpoint } from "./probe.ts";
import { createReport, type TestReport } from "./report.ts";
import { runChecks } from "./run-checks.ts";

export interface TestRequest {
  settings: TestSettings;
  expectations: Expectations;
  /** Tests that somebody else has written, of the eras that are spoken. */
  findMoreChecks?: ((endpoint: Endpoint) => Promise<BoundCheck[]>) | undefined;
  /** Warnings fail. */
  isStrict: boolean;
  signal: AbortSignal;
}

const COMMON_CHECKS = [...LIST_CHECKS, ...SCHEMA_CHECKS, ...CONTENT_CHECKS, ...ERROR_CHECKS];

/** Tests an MCP endpoint against the rules of the revisions that it speaks. What it does wrong is in the report. */
export async function testEndpoint({ settings, expectations, ...request }: TestRequest): Promise<TestReport> {
  const { signal, findMoreChecks, isStrict } = request;
  const { timeoutMs, token, headers } = settings;
  const secrets = [token ?? "", ...Object.values(headers).flatMap((value) => [value, ...value.split(" ")])];
  const endpoint = await probeEndpoint(settings, signal);
  try {
    const more = (await findMoreChecks?.(endpoint)) ?? [];
    const checks = [...checksOf(endpoint, expectations), ...more];
    return createReport(endpoint, await runChecks(checks, { timeoutMs, isStrict, secrets, signal }));
  } finally {
    await leave(endpoint);
  }
}

/** Every check that says something about this endpoint, in the order of the report. */
function checksOf(endpoint: Endpoint, expectations: Expectations): BoundCheck[] {
  const { modern, legacy, unreachable } = endpoint;
  const peer = preferredPeer(endpoint);
  const expected = (target: Peer) => bindChecks(`${target.era}`, target, listExpectations(expectations));
  return [
    ...bindChecks("endpoint", endpoint, REACH_CHECKS),
    ...(peer ? bindChecks("endpoint", peer, TRANSPORT_CHECKS) : []),
    ...(unreachable ? [] : bindChecks("auth", endpoint, AUTH_CHECKS)),
    ...(modern ? [...modernChecks(modern), ...expected(modern)] : []),
    ...(legacy ? [...bindChecks("legacy", legacy, LEGACY_CHECKS), ...common(legacy), ...expected(legacy)] : []),
    ...(peer ? bindChecks("tools", peer, callExpectations(expectations)) : []),
  ];
}

function modernChecks(modern: Peer): BoundCheck[] {
  const own = [...MODERN_CHECKS, SUBSCRIPTION_CHECK, ...MODERN_LIST_CHECKS, PARAMETER_HEADER_CHECK];
  return [...bindChecks("modern", modern, own), ...common(modern)];
}

function common(peer: Peer): BoundCheck[] {
  return bindChecks(peer.era, peer, COMMON_CHECKS);
}

/** Ends the session that the test has opened; who tests leaves nothing behind. */
async function leave({ legacy, wire }: Endpoint): Promise<void> {
  try {
    if (legacy?.session.id !== undefined) await legacy.sendBodiless("DELETE", legacy.session.id);
  } catch {
    // The report is made; a server that is gone has no session to end.
  } finally {
    wire.close();
  }
}
