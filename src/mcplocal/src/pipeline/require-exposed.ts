import type { Condition } from "../projects/exposed-lists.ts";
import type { ProjectServer } from "../projects/project-server.ts";
import type { Exposed } from "../projects/project-view.ts";
import type { Project } from "../projects/project.ts";
import { invalidParams, type RpcFailure } from "../protocol/rpc-failure.ts";

/** No tool and no prompt has a longer name. What a client sends instead is not repeated to the end. */
export const MAX_NAME_LENGTH = 256;

const NOUNS = { tools: "tool", prompts: "prompt" } as const;

/**
 * Finds what a client asks for by name. It may belong to a server that has not been seen yet: a client that listed it
 * elsewhere calls without listing. Apps of a server know its tools only by the names that the server gives them, so that
 * those are taken too, once it is known that no other tool goes by them.
 */
export async function findExposed(
  project: Project,
  kind: "tools" | "prompts",
  name: string,
): Promise<Exposed<ProjectServer> | undefined> {
  const known = project.view().find(kind, name);
  if (known) return known;
  if (!project.isSettled) await project.settled();
  const view = project.view();
  return view.find(kind, name) ?? (kind === "tools" ? view.findByOwnName(name) : undefined);
}

/** @throws {RpcFailure} -32602 when there is nothing of this name. */
export async function requireExposed(
  project: Project,
  kind: "tools" | "prompts",
  name: string,
): Promise<Exposed<ProjectServer>> {
  const found = await findExposed(project, kind, name);
  return found ?? Promise.reject(unknown(NOUNS[kind], name, project.view().conditions));
}

/**
 * The same words for what does not exist and for what the caller may not see. While a server is down, nobody knows
 * whether it would be one of its.
 */
function unknown(noun: string, name: string, conditions: readonly Condition[]): RpcFailure {
  const message = `Unknown ${noun}: ${name.slice(0, MAX_NAME_LENGTH)}`;
  if (conditions.length === 0) return invalidParams(message);
  return invalidParams(message, { code: "not-found", hint: missingHint(`${noun}s`, conditions) });
}

/** Why something may be missing. */
export function missingHint(what: string, conditions: readonly Condition[]): string {
  const servers = conditions.map(({ server, message }) => `${server} (${message})`).join(", ");
  return `The ${what} of these servers are missing now: ${servers}`;
}
