import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import type { Era } from "@mcpctl/shared/mcp/protocol.ts";
import * as z from "zod";

/** A program may be replaced by a newer one under the same name, and an old verdict would never find out. */
const MAX_AGE_MS = 24 * 60 * 60 * 1000;
/** Servers mostly start together, and are written down together. */
const WRITE_AFTER_MS = 1_000;

/** Remembers which era a program speaks, so that it is not probed at every start, not even of mcpd. */
export interface EraMemory {
  find(program: Program): Era | undefined;
  set(program: Program, era: Era): void;
  forget(program: Program): void;
  /** Writes down what is not yet written. */
  close(): Promise<void>;
}

/** What decides about the era; the version of a package is part of the path that it is run by. */
interface Program {
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
}

interface EraMemoryDeps {
  file: string;
  /** Whose file it is: one that was copied from elsewhere speaks of other programs. */
  owner: string;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Told why a file cannot be read or written; the memory goes on without it. */
  onFault(what: string, cause: unknown): void;
}

const verdict = z.object({ era: z.enum(["modern", "legacy"]), foundAt: z.int() });
type Verdict = z.output<typeof verdict>;
/** Programs are known by a hash: their arguments and variables may hold secrets. */
const fileSchema = z.object({ owner: z.string(), verdicts: z.record(z.string(), verdict) });

/** Opens the memory of the file; what it does not hold, or cannot hold, is found out again. */
export function openEraMemory(deps: EraMemoryDeps): EraMemory {
  const { now, owner } = deps;
  const verdicts = new Map(readVerdicts(deps).filter(([, { foundAt }]) => isFresh(foundAt, now())));
  let due: NodeJS.Timeout | undefined;
  let writing = Promise.resolve();

  function keyOf({ command, args, env }: Program): string {
    const variables = Object.entries(env).toSorted(([one], [other]) => (one < other ? -1 : 1));
    return createHmac("sha256", owner)
      .update(JSON.stringify([command, args, variables]))
      .digest("base64url");
  }

  function writeSoon(): void {
    due ??= setTimeout(write, WRITE_AFTER_MS).unref();
  }

  function write(): void {
    clearTimeout(due);
    due = undefined;
    writing = writing
      .then(() => writeVerdicts(deps, verdicts))
      .catch((error: unknown) => deps.onFault("what servers speak cannot be remembered", error));
  }

  return {
    find(program) {
      const found = verdicts.get(keyOf(program));
      return found && isFresh(found.foundAt, now()) ? found.era : undefined;
    },
    set(program, era) {
      verdicts.set(keyOf(program), { era, foundAt: now() });
      writeSoon();
    },
    forget(program) {
      if (verdicts.delete(keyOf(program))) writeSoon();
    },
    async close() {
      if (due) write();
      await writing;
    },
  };
}

/** A date in the future is of a clock that was set back since, and would hold for too long. */
function isFresh(foundAt: number, now: number): boolean {
  return foundAt <= now && now - foundAt < MAX_AGE_MS;
}

function readVerdicts({ file, owner, onFault }: EraMemoryDeps): [string, Verdict][] {
  try {
    const found = fileSchema.parse(JSON.parse(readFileSync(file, "utf8")));
    if (found.owner === owner) return Object.entries(found.verdicts);
    onFault("what servers speak is found out again: the file is of another data directory", file);
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (!isMissing) onFault("what servers speak is found out again: the file cannot be read", error);
  }
  return [];
}

async function writeVerdicts({ file, owner }: EraMemoryDeps, verdicts: ReadonlyMap<string, Verdict>): Promise<void> {
  const content: z.output<typeof fileSchema> = { owner, verdicts: Object.fromEntries(verdicts) };
  await writeFile(`${file}.new`, `${JSON.stringify(content)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
