import { createHash } from "node:crypto";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Server, ServerSpec } from "@mcpctl/shared/kinds/servers.ts";
import type { InstanceLaunch } from "../orchestrators/orchestrator.ts";
import type { ResolvedValues } from "../services/secret-refs.ts";

/** Turns a package into a program; installs it where it is missing. */
export type PackageResolver = (npm: { npm: string; version: string }) => Promise<{ command: string; args: string[] }>;

/** What must be equal for a running process to be the one that the spec asks for. */
export function launchKey({ metadata, spec }: Server, { values, fault }: ResolvedValues): string {
  const { command, package: npm, args, startTimeoutSeconds, timeoutSeconds, liveness } = spec;
  const what = [metadata.uid, command, npm, args, values, fault, startTimeoutSeconds, timeoutSeconds, liveness];
  // Hashed, because values may be secret and the key is kept.
  return createHash("sha256").update(JSON.stringify(what)).digest("base64");
}

/**
 * @throws {McpctlError} `upstream-unavailable` when the package cannot be had or a value needs a Secret.
 */
export async function toLaunch(
  { metadata, spec }: Server,
  index: number,
  { resolvePackage: resolve, env }: { resolvePackage: PackageResolver; env: ResolvedValues },
): Promise<InstanceLaunch> {
  if (env.fault) throw new McpctlError("upstream-unavailable", env.fault.message);
  const program = await programOf(spec, resolve);
  return {
    name: instanceName(metadata.name, index),
    server: metadata.name,
    command: program.command,
    args: [...program.args, ...spec.args],
    env: env.values,
    secretValues: env.secretValues,
    startTimeoutSeconds: spec.startTimeoutSeconds,
    timeoutSeconds: spec.timeoutSeconds,
    liveness: spec.liveness,
  };
}

export function instanceName(server: string, index: number): string {
  return `${server}-${index}`;
}

async function programOf({ command, package: npm }: ServerSpec, resolve: PackageResolver) {
  if (npm) return resolve(npm);
  if (command !== undefined) return { command, args: [] };
  throw new McpctlError("internal", "A server without a program was to be started");
}
