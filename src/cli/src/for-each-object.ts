import { type ErrorCode, McpctlError } from "@mcpctl/shared/errors.ts";
import type { Kind } from "@mcpctl/shared/kinds/kind.ts";
import type { CommandContext } from "./command-context.ts";

const GENERAL: readonly ErrorCode[] = ["unauthenticated", "unreachable"];

/** Whether a failure is of one object only; others befall every further object too. */
export function isOfOneObject(thrown: unknown): thrown is McpctlError {
  return thrown instanceof McpctlError && !GENERAL.includes(thrown.code);
}

/**
 * Does one thing with each object and prints what became of it. A failure is reported and the rest goes on.
 *
 * @returns the exit code of the first failure.
 * @throws {McpctlError} `unauthenticated`, `unreachable`: after these nothing else can succeed.
 */
export async function forEachObject<T extends { kind: Kind; name: string }>(
  { io, report }: Pick<CommandContext, "io" | "report">,
  objects: readonly T[],
  act: (object: T) => Promise<string>,
): Promise<number> {
  let exitCode = 0;
  for (const object of objects) {
    const label = `${object.kind.singular}/${object.name}`;
    try {
      io.out(`${label} ${await act(object)}`);
    } catch (thrown) {
      if (!isOfOneObject(thrown)) throw thrown;
      const code = report(thrown, label);
      exitCode ||= code;
    }
  }
  return exitCode;
}
