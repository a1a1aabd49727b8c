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

/** What the gateway does not pass yet. An entry that passes fails the test, so that this list only says what is true. */
const EXPECTED_FAILURES: readonly ExpectedFailures[] = [
  {
    reason: "The gateway does not serve prompts yet.",
    revision: "2025-11-25",
    failing: [
      "prompts-list",
      "prompts-get-simple",
      "prompts-get-with-args",
      "prompts-get-embedded-resource",
      "prompts-get-with-image",
    ],
  },
  {
    reason: "The gateway does not serve prompts yet.",
    revision: "2026-07-28",
    failing: [
      "prompts-list",
      "prompts-get-simple",
      "prompts-get-with-args",
      "prompts-get-embedded-resource",
      "prompts-get-with-image",
      "input-required-result-non-tool-request",
      "caching:sep-2549-prompts-list-caching-hints",
    ],
  },
  {
    reason: "The gateway does not serve resources yet.",
    revision: "2025-11-25",
    failing: [
      "resources-list",
      "resources-read-text",
      "resources-read-binary",
      "resources-templates-read",
      "resources-subscribe",
      "resources-unsubscribe",
    ],
  },
  {
    reason: "The gateway does not serve resources yet.",
    revision: "2026-07-28",
    failing: [
      "resources-list",
      "resources-read-text",
      "resources-read-binary",
      "resources-templates-read",
      "sep-2164-resource-not-found",
      "caching:sep-2549-resources-list-caching-hints",
      "caching:sep-2549-resources-templates-list-caching-hints",
    ],
  },
  {
    reason: "The gateway does not complete arguments yet.",
    revision: "2025-11-25",
    failing: ["completion-complete"],
  },
  {
    reason: "The gateway does not complete arguments yet.",
    revision: "2026-07-28",
    failing: ["completion-complete"],
  },
  {
    reason: "The gateway does not set levels of logging yet.",
    revision: "2025-11-25",
    failing: ["logging-set-level", "tools-call-with-logging"],
  },
  {
    reason: "The gateway does not let servers ask clients yet.",
    revision: "2025-11-25",
    failing: [
      "tools-call-sampling",
      "tools-call-elicitation",
      "elicitation-sep1034-defaults",
      "elicitation-sep1330-enums",
    ],
  },
  {
    reason: "The gateway does not let servers ask clients yet.",
    revision: "2026-07-28",
    failing: [
      "server-stateless:sep-2575-server-rejects-undeclared-capability",
      "server-stateless:sep-2575-missing-capability-http-400",
      "input-required-result-basic-sampling",
      "input-required-result-basic-list-roots",
      "input-required-result-request-state",
      "input-required-result-multiple-input-requests",
      "input-required-result-multi-round",
      "input-required-result-missing-input-response",
      "input-required-result-result-type",
      "input-required-result-tampered-state",
      "input-required-result-capability-check",
    ],
  },
  {
    reason: "The gateway tells no modern server what the client can be asked.",
    upstreams: ["modern"],
    revision: "2026-07-28",
    failing: [
      "server-stateless:sep-2575-http-server-no-independent-requests-on-stream",
      "input-required-result-basic-elicitation",
    ],
  },
  {
    reason: "The scenario wants a question of a certain name, and the questions of a legacy server have none.",
    upstreams: ["legacy"],
    revision: "2026-07-28",
    failing: ["input-required-result-basic-elicitation"],
  },
  {
    reason: "The gateway does not look at answers that a legacy server cannot take.",
    upstreams: ["legacy"],
    revision: "2026-07-28",
    failing: ["input-required-result-validate-input"],
  },
  {
    reason: "The gateway does not compare arguments with their headers yet.",
    revision: "2026-07-28",
    failing: ["http-custom-header-server-validation"],
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
  {
    reason: "The gateway does not let servers ask clients yet.",
    revision: "2025-11-25",
    failing: ["elicitation-sep1034-client-defaults"],
  },
  {
    reason: "The gateway does not let servers ask clients yet.",
    revision: "2026-07-28",
    failing: [
      "sep-2322-client-request-state:sep-2322-client-request-state-echoed",
      "sep-2322-client-request-state:sep-2322-client-jsonrpc-id-different",
      "sep-2322-client-request-state:sep-2322-client-no-state-omitted",
    ],
  },
  {
    reason: "The gateway does not resume a stream that a server has closed before it answered.",
    revision: "2025-11-25",
    failing: ["sse-retry"],
  },
  {
    reason: "The gateway takes a server that refuses the version of its first request for a legacy one.",
    revision: "2026-07-28",
    failing: ["request-metadata"],
  },
  {
    reason: "The gateway neither mirrors arguments into headers nor drops tools that ask for it wrongly yet.",
    revision: "2026-07-28",
    failing: ["http-custom-headers", "http-invalid-tool-headers"],
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
