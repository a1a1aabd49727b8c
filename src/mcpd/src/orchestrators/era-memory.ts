import type { Era } from "@mcpctl/shared/mcp/protocol.ts";

/** A program may be replaced by a newer one under the same name, and an old verdict would never find out. */
const MAX_AGE_MS = 24 * 60 * 60 * 1000;

/** Remembers which era a program speaks, so that it is not probed at every start. */
export interface EraMemory {
  find(program: Program): Era | undefined;
  set(program: Program, era: Era): void;
  forget(program: Program): void;
}

interface Program {
  command: string;
  args: readonly string[];
}

/** @param now in milliseconds, monotonic. */
export function createEraMemory(now: () => number): EraMemory {
  const verdicts = new Map<string, { era: Era; foundAt: number }>();
  const keyOf = ({ command, args }: Program) => JSON.stringify([command, args]);
  return {
    find(program) {
      const verdict = verdicts.get(keyOf(program));
      return verdict && now() - verdict.foundAt < MAX_AGE_MS ? verdict.era : undefined;
    },
    set: (program, era) => void verdicts.set(keyOf(program), { era, foundAt: now() }),
    forget: (program) => void verdicts.delete(keyOf(program)),
  };
}
