import type { ConnectionLimits } from "@mcpctl/shared/connection-limits.ts";
import { Counter, Gauge, type Registry } from "prom-client";

/** What is read at the moment of a scrape. */
export interface Gauges {
  sessions(): number;
  streams(): number;
  servers(): { ready: number; faulty: number };
  /** Calls without an answer yet, by server. */
  callsInFlight(): ReadonlyMap<string, number>;
  requests(): { inFlight: number; bodyBytes: number };
  connections: Pick<ConnectionLimits, "open" | "unreadBytes" | "counts">;
  isControlPlaneUp(): Promise<boolean>;
  lostAuditLines(): number;
  /** Bytes of memory that the process holds. */
  residentBytes(): number;
}

type Labelled = readonly [value: string, count: number];

interface LabelledMetric {
  name: string;
  help: string;
  label: string;
  read(): Iterable<Labelled>;
}

export function addGauges(gauges: Gauges, registry: Registry): void {
  const { connections } = gauges;
  const plain: [name: string, help: string, read: () => number | Promise<number>][] = [
    ["mcpctl_gateway_sessions", "Open sessions.", gauges.sessions],
    ["mcpctl_gateway_streams", "Open streams.", gauges.streams],
    ["mcpctl_gateway_connections", "Open connections of clients.", () => connections.open],
    ["mcpctl_gateway_unread_bytes", "Bytes of answers that clients have not taken yet.", () => connections.unreadBytes],
    ["mcpctl_gateway_requests_in_flight", "Requests that are not answered yet.", () => gauges.requests().inFlight],
    ["mcpctl_gateway_body_bytes", "Bytes of the bodies of those requests.", () => gauges.requests().bodyBytes],
    ["mcpctl_gateway_control_plane_up", "Whether mcpd answers.", async () => Number(await gauges.isControlPlaneUp())],
    ["mcpctl_gateway_audit_lines_lost", "Calls that could not be recorded for too long.", gauges.lostAuditLines],
    ["process_resident_memory_bytes", "Resident memory size in bytes.", gauges.residentBytes],
  ];
  for (const [name, help, read] of plain) addGauge(registry, { name, help, read });
  addLabelled(registry, Gauge, {
    name: "mcpctl_gateway_servers",
    help: "Servers of the projects in use, by whether their tools can be called.",
    label: "state",
    read: () => Object.entries(gauges.servers()),
  });
  addLabelled(registry, Gauge, {
    name: "mcpctl_gateway_tool_calls_in_flight",
    help: "Tool calls that their server has not answered yet.",
    label: "server",
    read: () => gauges.callsInFlight(),
  });
  addLabelled(registry, Counter, {
    name: "mcpctl_gateway_connections_ended_total",
    help: "Connections that were refused or cut, by the bound that they were beyond.",
    label: "bound",
    read: () => Object.entries(connections.counts),
  });
}

interface PlainMetric {
  name: string;
  help: string;
  read(): number | Promise<number>;
}

function addGauge(registry: Registry, { name, help, read }: PlainMetric): void {
  new Gauge({
    registers: [registry],
    name,
    help,
    async collect() {
      this.set(await read());
    },
  });
}

/** Own numbers are put into the library's form at a scrape. */
function addLabelled(
  registry: Registry,
  Metric: typeof Gauge | typeof Counter,
  { name, help, label, read }: LabelledMetric,
): void {
  new Metric({
    registers: [registry],
    name,
    help,
    labelNames: [label],
    collect() {
      this.reset();
      for (const [value, count] of read()) this.inc({ [label]: value }, count);
    },
  });
}
