import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Server, ServerSpec } from "@mcpctl/shared/kinds/servers.ts";
import type { InstanceLaunch } from "../orchestrators/orchestrator.ts";

/** Turns a package into a program; installs it where it is missing. */
export type PackageResolver = (npm: { npm: string; version: string }) => Promise<{ command: string; args: string[] }>;

/** What must be equal for a running process to be the one that the spec asks for. */
export function launchKey({ metadata, spec }: Server): string {
  const { command, package: npm, args, env, startTimeoutSeconds, timeoutSeconds } = spec;
  return JSON.stringify([metadata.uid, command, npm, args, env, startTimeoutSeconds, timeoutSeconds]);
}

/**
 * @throws {McpctlError} `upstream-unavailable` when the package cannot be had or a value needs a Secret.
 */
export async function toLaunch(server: Server, index: number, resolve: PackageResolver): Promise<InstanceLaunch> {
  const { metadata, spec } = server;
  const program = await programOf(spec, resolve);
  return {
    name: instanceName(metadata.name, index),
    server: metadata.name,
    command: program.command,
    args: [...program.args, ...spec.args],
    env: Object.fromEntries(spec.env.map((variable) => [variable.name, valueOf(variable)])),
    startTimeoutSeconds: spec.startTimeoutSeconds,
    timeoutSeconds: spec.timeoutSeconds,
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

function valueOf({ name, value, secretRef }: ServerSpec["env"][number]): string {
  if (value !== undefined) return value;
  throw new McpctlError(
    "upstream-unavailable",
    `Variable ${name} needs secret "${secretRef?.name ?? ""}", which cannot be read`,
    {
      hint: "Secrets are not supported by this version of mcpd; give the variable a value",
    },
  );
}
