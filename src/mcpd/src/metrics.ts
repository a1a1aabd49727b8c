import type { ConnectionLimits } from "@mcpctl/shared/connection-limits.ts";
import type { ErrorCode } from "@mcpctl/shared/errors.ts";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { InstanceLoad } from "./orchestrators/orchestrator.ts";

export interface Metrics {
  onAnswered(answer: { method: string; route: string; status: number; seconds: number }): void;
  /** A request was answered with a problem. */
  onRefused(code: ErrorCode): void;
  read(): Promise<{ contentType: string; text: string }>;
}

/** What is read at the moment of a scrape. */
interface Gauges {
  connections: Pick<ConnectionLimits, "open" | "unreadBytes" | "counts">;
  /** By server. */
  loads(): ReadonlyMap<string, InstanceLoad>;
}

/** Metrics of one mcpd. Labels are routes, never URLs: their number must not grow with the objects. */
export function createMetrics(gauges: Gauges): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: "mcpctl_http_requests_total",
    help: "Requests answered by the REST API.",
    labelNames: ["method", "route", "status"] as const,
    registers: [registry],
  });
  const seconds = new Histogram({
    name: "mcpctl_http_request_seconds",
    help: "Time to answer requests of the REST API.",
    labelNames: ["method", "route"] as const,
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
    registers: [registry],
  });
  const refusals = new Counter({
    name: "mcpctl_http_refusals_total",
    help: "Requests answered with a problem, by its code.",
    labelNames: ["code"] as const,
    registers: [registry],
  });
  addConnections(registry, gauges.connections);
  addLoads(registry, gauges.loads);
  return {
    onAnswered(answer) {
      const { method, route } = answer;
      requests.inc({ method, route, status: String(answer.status) });
      seconds.observe({ method, route }, answer.seconds);
    },
    onRefused: (code) => refusals.inc({ code }),
    read: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}

function addConnections(registry: Registry, connections: Gauges["connections"]): void {
  const registers = [registry];
  new Gauge({
    registers,
    name: "mcpctl_http_connections",
    help: "Open connections.",
    collect() {
      this.set(connections.open);
    },
  });
  new Gauge({
    registers,
    name: "mcpctl_http_unread_bytes",
    help: "Bytes of answers that clients have not taken yet.",
    collect() {
      this.set(connections.unreadBytes);
    },
  });
  new Counter({
    registers,
    name: "mcpctl_http_connections_ended_total",
    help: "Connections that were refused or cut, by the bound that they were beyond.",
    labelNames: ["bound"],
    collect() {
      this.reset();
      for (const [bound, count] of Object.entries(connections.counts)) this.inc({ bound }, count);
    },
  });
}

/** Servers are few, and each has its own line. */
function addLoads(registry: Registry, loads: Gauges["loads"]): void {
  const of = (value: keyof InstanceLoad) => ({
    labelNames: ["server"],
    registers: [registry],
    collect(this: Gauge | Counter) {
      this.reset();
      for (const [server, load] of loads()) this.inc({ server }, load[value]);
    },
  });
  new Gauge({
    ...of("requestsInFlight"),
    name: "mcpctl_server_requests_in_flight",
    help: "Requests that the processes of a server have not answered yet.",
  });
  new Gauge({
    ...of("unsentBytes"),
    name: "mcpctl_server_unsent_bytes",
    help: "Bytes of requests that the processes of a server have not read yet.",
  });
  new Counter({
    ...of("timeouts"),
    name: "mcpctl_server_timeouts_total",
    help: "Requests that a server did not answer within their limit.",
  });
  new Counter({
    ...of("restarts"),
    name: "mcpctl_server_restarts_total",
    help: "Processes of a server that took the place of one that had ended.",
  });
}
