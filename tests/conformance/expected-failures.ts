import type { Revision } from "./suite.ts";
import type { UpstreamEra } from "./upstreams.ts";

interface ExpectedFailures {
  reason: string;
  /** In front of which upstreams; all when absent. */
  upstreams?: readonly UpstreamEra[];
  revision: Revision;
  /** Names of scenarios, or `<scenario>:<check-id>` where the rest of a scenario passes. */
  failing: readonly string[];
}

/** What the gateway does not pass. An entry that passes fails the test, so that this list only says what is true. */
const EXPECTED_FAILURES: readonly ExpectedFailures[] = [
  {
    reason: "A server with sessions does not say with which error it misses what the client did not declare.",
    upstreams: ["legacy"],
    revision: "2026-07-28",
    failing: [
      "server-stateless:sep-2575-server-rejects-undeclared-capability",
      "server-stateless:sep-2575-missing-capability-http-400",
    ],
  },
  {
    reason: "The scenario knows the question's name beforehand, and the questions of a server with sessions have none.",
    upstreams: ["legacy"],
    revision: "2026-07-28",
    failing: ["input-required-result-basic-elicitation", "input-required-result-ignore-extra-params"],
  },
  {
    reason: "Streams of the gateway cannot be resumed; the revision allows that.",
    revision: "2025-11-25",
    failing: ["server-sse-polling"],
  },
];

/** Scenarios in which a server wants a token from an authorization server; later revisions have further ones. */
const AUTHORIZATION = [
  "auth/metadata-default",
  "auth/metadata-var1",
  "auth/metadata-var2",
  "auth/metadata-var3",
  "auth/basic-cimd",
  "auth/scope-from-www-authenticate",
  "auth/scope-from-scopes-supported",
  "auth/scope-omitted-when-undefined",
  "auth/scope-step-up",
  "auth/scope-retry-limit",
  "auth/token-endpoint-auth-basic",
  "auth/token-endpoint-auth-post",
  "auth/token-endpoint-auth-none",
  "auth/pre-registration",
];

const EXPECTED_CLIENT_FAILURES: readonly Omit<ExpectedFailures, "upstreams">[] = [
  {
    reason: "The gateway gets no tokens for servers yet; it sends the headers that a Server names.",
    revision: "2025-11-25",
    failing: AUTHORIZATION,
  },
  {
    reason: "The gateway gets no tokens for servers yet; it sends the headers that a Server names.",
    revision: "2026-07-28",
    failing: [
      ...AUTHORIZATION,
      "auth/resource-mismatch",
      "auth/offline-access-scope",
      "auth/offline-access-not-supported",
      "auth/authorization-server-migration",
      "auth/iss-supported",
      "auth/iss-not-advertised",
      "auth/iss-supported-missing",
      "auth/iss-wrong-issuer",
      "auth/iss-unexpected",
      "auth/iss-normalized",
      "auth/metadata-issuer-mismatch",
    ],
  },
];

/** Scenarios and checks that the gateway does not pass with this upstream at this revision. */
export function expectedFailures(era: UpstreamEra, revision: Revision): string[] {
  const applying = EXPECTED_FAILURES.filter(
    ({ upstreams = [era], revision: its }) => its === revision && upstreams.includes(era),
  );
  return applying.flatMap(({ failing }) => failing);
}

/** Scenarios and checks of the suite's client side that the gateway does not pass as a client of servers. */
export function expectedClientFailures(revision: Revision): string[] {
  return EXPECTED_CLIENT_FAILURES.filter((entry) => entry.revision === revision).flatMap(({ failing }) => failing);
}
