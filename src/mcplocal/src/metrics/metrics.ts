import { Gauge, Registry } from "prom-client";
import { DurationHistogram } from "./duration-histogram.ts";
import { createEventCounter } from "./event-counter.ts";
import type { CallRecord } from "../pipeline/call-record.ts";

/** Methods that have a label of their own; a client can send any number of others. */
const KNOWN_METHODS: ReadonlySet<string> = new Set([
  "initialize",
  "ping",
  "tools/list",
  "tools/call",
  "server/discover",
]);

/** What is read at the moment of a scrape. */
interface Gauges {
  sessions(): number;
  streams(): number;
  servers(): { ready: number; faulty: number };
  lostAuditLines(): number;
}

export interface Metrics {
  onRequest(method: string, outcome: "ok" | "error" | "refused", durationMs: number): void;
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
  addGauges(gauges, [registry]);

  return {
    onRequest(name, outcome, durationMs) {
      const method = KNOWN_METHODS.has(name) ? name : "other";
      countRequest(method, outcome);
      if (outcome !== "refused") requestSeconds.record(method, durationMs / 1_000);
    },
    onCall({ server = "none", outcome, durationMs }) {
      countCall(server, outcome);
      callSeconds.record(server, durationMs / 1_000);
    },
    contentType: registry.contentType,
    read: () => registry.metrics(),
  };
}

function addGauges({ sessions, streams, servers, lostAuditLines }: Gauges, registers: Registry[]): void {
  const common = { registers };
  new Gauge({
    ...common,
    name: "mcpctl_gateway_sessions",
    help: "Open sessions.",
    collect() {
      this.set(sessions());
    },
  });
  new Gauge({
    ...common,
    name: "mcpctl_gateway_streams",
    help: "Open streams.",
    collect() {
      this.set(streams());
    },
  });
  new Gauge({
    ...common,
    name: "mcpctl_gateway_audit_lines_lost",
    help: "Calls that could not be recorded because the disk was full for too long.",
    collect() {
      this.set(lostAuditLines());
    },
  });
  new Gauge({
    ...common,
    name: "mcpctl_gateway_servers",
    help: "Servers of the projects in use, by whether their tools can be called.",
    labelNames: ["state"],
    collect() {
      const { ready, faulty } = servers();
      this.set({ state: "ready" }, ready);
      this.set({ state: "faulty" }, faulty);
    },
  });
}
