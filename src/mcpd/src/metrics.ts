import { collectDefaultMetrics, Counter, Histogram, Registry } from "prom-client";

export interface Metrics {
  onAnswered(answer: { method: string; route: string; status: number; seconds: number }): void;
  read(): Promise<{ contentType: string; text: string }>;
}

/** Metrics of one mcpd. Labels are routes, never URLs: their number must not grow with the objects. */
export function createMetrics(): Metrics {
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
  return {
    onAnswered(answer) {
      const { method, route } = answer;
      requests.inc({ method, route, status: String(answer.status) });
      seconds.observe({ method, route }, answer.seconds);
    },
    read: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}
