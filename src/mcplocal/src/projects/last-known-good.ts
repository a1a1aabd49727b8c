import { mkdirSync, readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { discovery } from "@mcpctl/shared/api/contracts.ts";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import * as z from "zod";
import type { Log } from "../log.ts";
import type { LIST_NAMES } from "./listed-kinds.ts";
import type { Look } from "./server-catalogue.ts";

/** Many servers become known at nearly the same time. */
const WRITE_AFTER_MS = 1_000;

const entry = z.object({
  name: z.string(),
  rest: z.string(),
  legacyRest: z.string().optional(),
  headerParams: z.array(z.object({ header: z.string(), path: z.array(z.string()) })).exactOptional(),
});

const look = z.object({
  lists: z.object({
    tools: z.array(entry),
    prompts: z.array(entry),
    resources: z.array(entry),
    resourceTemplates: z.array(entry),
  } satisfies Record<(typeof LIST_NAMES)[number], unknown>),
  omissions: z.array(z.object({ code: z.string(), message: z.string() })),
  capabilities: z.record(z.string(), z.unknown()),
  instructions: z.string().optional(),
});

const knownProject = z.object({
  format: z.literal(1),
  savedAt: z.iso.datetime(),
  discovery,
  looks: z.record(z.string(), look),
});

/** What a project consisted of, and what its servers offered, when that was last known. */
export type KnownProject = Pick<z.output<typeof knownProject>, "savedAt" | "discovery"> & {
  /** By the name of the server. */
  looks: Readonly<Record<string, Look>>;
};

/** What was last known of projects, so that a start need not wait for anybody. */
export interface LastKnownGood {
  /** @returns undefined when nothing is known, or what is there cannot be read. */
  read(project: string): KnownProject | undefined;
  /** Keeps it, some time soon. `known` is asked for when it is written. */
  write(project: string, known: () => Omit<KnownProject, "savedAt">): void;
  /** Writes what is left. */
  close(): Promise<void>;
}

interface LastKnownGoodOptions {
  directory: string;
  log: Pick<Log, "warn">;
}

/**
 * Keeps a file for each project. Credentials are not kept: headers for servers stay with mcpd.
 *
 * @throws {McpctlError} `config-invalid` when the directory cannot be used.
 */
export function openLastKnownGood({ directory, log }: LastKnownGoodOptions): LastKnownGood {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new McpctlError("config-invalid", `The cache directory ${directory} cannot be used: ${String(cause)}`, {
      hint: "Choose a directory that mcplocal may write in with --cache-dir",
      cause,
    });
  }
  const due = new Map<string, { known: () => Omit<KnownProject, "savedAt">; timer: NodeJS.Timeout }>();
  const pathOf = (project: string) => join(directory, `${encodeURIComponent(project)}.json`);

  async function save(project: string): Promise<void> {
    const waiting = due.get(project);
    due.delete(project);
    if (!waiting) return;
    clearTimeout(waiting.timer);
    try {
      const path = pathOf(project);
      const content = { format: 1, savedAt: new Date().toISOString(), ...withoutHeaders(waiting.known()) };
      // Several processes on STDIO may keep the same project.
      const own = `${path}.${process.pid}.new`;
      await writeFile(own, JSON.stringify(content), { mode: 0o600 });
      await rename(own, path);
    } catch (err) {
      log.warn({ err, project }, "what is known of a project cannot be kept for the next start");
    }
  }

  return {
    read(project) {
      try {
        const { data } = knownProject.safeParse(JSON.parse(readFileSync(pathOf(project), "utf8")));
        return data && { ...data, looks: mapValues(data.looks, toLook) };
      } catch {
        return undefined;
      }
    },
    write(project, known) {
      clearTimeout(due.get(project)?.timer);
      const timer = setTimeout(() => void save(project), WRITE_AFTER_MS).unref();
      due.set(project, { known, timer });
    },
    async close() {
      await Promise.all([...due.keys()].map(save));
    },
  };
}

function withoutHeaders({ discovery: found, looks }: Omit<KnownProject, "savedAt">): Omit<KnownProject, "savedAt"> {
  return { looks, discovery: { ...found, servers: found.servers.map((server) => ({ ...server, headers: {} })) } };
}

function toLook(kept: z.output<typeof look>): Look {
  const lists = mapValues(kept.lists, (entries) =>
    entries.map((one) => Object.assign(one, { legacyRest: one.legacyRest })),
  );
  return { ...kept, lists, instructions: kept.instructions };
}

function mapValues<K extends string, A, B>(record: Readonly<Record<K, A>>, change: (value: A) => B): Record<K, B> {
  const entries = Object.entries<A>(record).map(([key, value]) => [key, change(value)]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys are those of the record
  return Object.fromEntries(entries) as Record<K, B>;
}
