import { readFileSync, readlinkSync } from "node:fs";

/** What tells one process from every other, also from a later one that was given the same pid. */
export interface ProcessIdentity {
  pid: number;
  /** Clock ticks from boot to its start; "" where the system does not say. */
  startTime: string;
  /** "" where the system does not say. */
  bootId: string;
  /** A pid means something only inside of its namespace; containers have their own. */
  pidNamespace: string;
}

export function ownIdentity(): ProcessIdentity {
  return {
    pid: process.pid,
    startTime: readProcess(process.pid)?.startTime ?? "",
    bootId: bootId(),
    pidNamespace: pidNamespace(),
  };
}

/** @returns "unknown" for a process in another pid namespace, which cannot be seen from here. */
export function findLiveness(identity: ProcessIdentity): "alive" | "dead" | "unknown" {
  if (identity.bootId !== bootId()) return "dead";
  if (identity.pidNamespace !== pidNamespace()) return "unknown";
  if (!canBeSignalled(identity.pid)) return "dead";
  const running = readProcess(identity.pid);
  // Without /proc the pid alone has to do.
  if (!running) return identity.startTime === "" ? "alive" : "dead";
  return running.startTime === identity.startTime && !running.isZombie ? "alive" : "dead";
}

function canBeSignalled(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (thrown) {
    return thrown instanceof Error && "code" in thrown && thrown.code === "EPERM";
  }
}

/** @see proc_pid_stat(5): the name in field 2 may itself contain spaces and parentheses. */
function readProcess(pid: number): { startTime: string; isZombie: boolean } | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === "") return undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { startTime: fields[19] ?? "", isZombie: fields[0] === "Z" || fields[0] === "X" };
}

function bootId(): string {
  return readText("/proc/sys/kernel/random/boot_id").trim();
}

function pidNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
