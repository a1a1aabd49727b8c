import { type Condition, withCondition } from "@mcpctl/shared/kinds/conditions.ts";
import type { InstanceStatus } from "@mcpctl/shared/kinds/instances.ts";
import { isProcessServer, type Server, type ServerStatus } from "@mcpctl/shared/kinds/servers.ts";
import type { InstanceState } from "../orchestrators/orchestrator.ts";
import type { SecretFault } from "../services/secret-refs.ts";

type Ready = Pick<Condition, "status" | "reason" | "message">;

interface Observed {
  instances: readonly InstanceState[];
  /** Why it lacks a secret that it needs. */
  fault?: SecretFault | undefined;
  now: string;
}

/** What a server's status says, given what its instances say. */
export function serverStatus(server: Server, { instances, fault, now }: Observed): ServerStatus {
  const running = instances.filter(({ phase }) => phase === "Running");
  const identity = running.find((instance) => instance.identity)?.identity;
  const toolCount = running.find((instance) => instance.toolCount !== undefined)?.toolCount;
  const ready = fault ? { status: "False" as const, ...fault } : readyOf(server, instances);
  return {
    observedGeneration: server.metadata.generation,
    replicas: instances.length,
    readyReplicas: running.length,
    ...(identity && { protocolVersion: identity.protocolVersion }),
    ...(identity?.serverInfo && { serverInfo: identity.serverInfo }),
    ...(toolCount !== undefined && { toolCount }),
    conditions: withCondition(server.status?.conditions ?? [], { type: "Ready", ...ready, lastTransitionAt: now }),
  };
}

function readyOf({ spec }: Server, instances: readonly InstanceState[]): Ready {
  if (!isProcessServer(spec)) {
    return {
      status: "Unknown",
      reason: "Remote",
      message: "mcpd does not run this server; gateways reach it when asked",
    };
  }
  if (spec.replicas === 0) return { status: "False", reason: "Stopped", message: "replicas is 0" };
  const running = instances.filter(({ phase }) => phase === "Running");
  if (running.length > 0)
    return { status: "True", reason: "Running", message: `${running.length} of ${spec.replicas} answer` };
  const worst = instances.find(({ message }) => message !== undefined) ?? instances[0];
  const reason = worst?.phase ?? "Pending";
  return { status: "False", reason, message: worst?.message ?? "The process has not answered yet" };
}

export function instanceStatus({ identity: _, toolCount: __, ...state }: InstanceState): InstanceStatus {
  return state;
}
