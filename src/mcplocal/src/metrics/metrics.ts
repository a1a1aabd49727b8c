import type { ErrorCode } from "@mcpctl/shared/errors.ts";
import { Registry } from "prom-client";
import { DurationHistogram } from "./duration-histogram.ts";
import { createEventCounter } from "./event-counter.ts";
import { addGauges, type Gauges } from "./gauges.ts";
import type { CallRecord } from "../pipeline/call-record.ts";

/** Methods that have a label of their own; a client can send any number of others. */
const KNOWN_METHODS: ReadonlySet<string> = new Set([
  "initialize",
  "ping",
  "tools/list",
  "tools/call",
  "server/discover",
]);

export interface Metrics {
  onRequest(method: string, outcome: "ok" | "error" | "refused", durationMs: number): void;
  /** A request, or a connection, was turned away before any method saw it. */
  onRefused(code: ErrorCode): void;
  onCall(record: CallRecord): void;
  readonly contentType: string;
  /** The text of a scrape. */
  read(): Promise<string>;
}

/** Counts in the form of Prometheus. Labels take few values: methods, outcomes and the names of servers. */
export function createMetrics(gauges: Gauges): Metrics {
  const registry = new Registry();
  const countRequest = createEventCounter(registry, {
    name: "mcpctl_gateway_requests_total",
    help: "Requests of clients.",
    labelNames: ["method", "outcome"],
  });
  const countCall = createEventCounter(registry, {
    name: "mcpctl_gateway_tool_calls_total",
    help: "Tool calls by the server that they went to.",
    labelNames: ["server", "outcome"],
  });
  const requestSeconds = new DurationHistogram(registry, {
    name: "mcpctl_gateway_request_duration_seconds",
    help: "Time from the whole request to the answer.",
    labelName: "method",
  });
  const callSeconds = new DurationHistogram(registry, {
    name: "mcpctl_gateway_tool_call_duration_seconds",
    help: "Time that tool calls took.",
    labelName: "server",
  });
  const countRefusal = createEventCounter(registry, {
    name: "mcpctl_gateway_refusals_total",
    help: "Requests that were turned away before any method saw them, by the code of the reason.",
    labelNames: ["code"],
  });
  const countFailure = createEventCounter(registry, {
    name: "mcpctl_gateway_tool_call_failures_total",
    help: "Tool calls that failed for a reason of ours, such as a timeout, by its code.",
    labelNames: ["server", "code"],
  });
  addGauges(gauges, registry);

  return {
    onRequest(name, outcome, durationMs) {
      const method = KNOWN_METHODS.has(name) ? name : "other";
      countRequest(method, outcome);
      if (outcome !== "refused") requestSeconds.record(method, durationMs / 1_000);
    },
    onRefused: (code) => countRefusal(code),
    onCall({ server = "none", outcome, code, durationMs }) {
      countCall(server, outcome);
      if (code !== undefined) countFailure(server, code);
      callSeconds.record(server, durationMs / 1_000);
    },
    contentType: registry.contentType,
    read: () => registry.metrics(),
  };
}
