import { setTimeout as sleep } from "node:timers/promises";
import type { Server } from "@mcpctl/shared/kinds/servers.ts";
import type { Logger } from "@mcpctl/shared/log.ts";
import type { Database } from "../repositories/interfaces.ts";
import type { Change, WatchService } from "../services/watch.service.ts";

interface ServerFollowerDeps {
  database: Pick<Database, "read">;
  watch: WatchService;
  /** Servers that are known here, and may be gone from the list. */
  known(): Iterable<string>;
  /**
   * Called with the name of every server that was declared, changed or deleted, and with what it is where that was read
   * a moment ago.
   */
  onNews(name: string, declared?: Server): void;
  log: Logger;
  signal: AbortSignal;
}

const AGAIN_MS = 1_000;

/**
 * Tells of every server that is declared, and of every change of a spec from then on. A status that moves is our own
 * writing, and no news.
 *
 * @returns once the servers that are there have been told; following goes on until the signal aborts.
 */
export async function followServers(deps: ServerFollowerDeps): Promise<void> {
  const { database, watch, known, onNews, log, signal } = deps;
  /** Generations that were told, by uid. */
  const generations = new Map<string, number>();

  function tell({ type, object: { metadata } }: Pick<Change, "type" | "object">, declared?: Server): void {
    const { uid, generation, name } = metadata;
    const isNews = type === "DELETED" || generations.get(uid) !== generation;
    if (type === "DELETED") generations.delete(uid);
    else generations.set(uid, generation);
    if (isNews) onNews(name, declared);
  }

  /** A Secret that is new, changed or gone is news for whoever needs it. */
  async function tellUsersOf(secret: string): Promise<void> {
    for (const { metadata, spec } of await database.read.resources.list<Server>({ plural: "servers" })) {
      if ([...spec.env, ...spec.headers].some(({ secretRef }) => secretRef?.name === secret)) onNews(metadata.name);
    }
  }

  /** @returns the version to follow from. */
  async function list(): Promise<string> {
    const since = await database.read.changes.latestVersion();
    const declared = await database.read.resources.list<Server>({ plural: "servers" });
    for (const object of declared) tell({ type: "ADDED", object }, object);
    const names = new Set(declared.map(({ metadata }) => metadata.name));
    for (const name of known()) if (!names.has(name)) onNews(name);
    return since;
  }

  /** A database that is away for a while, or a watch that fell behind, must not end the following for good. */
  async function follow(since: string): Promise<void> {
    let from = since;
    while (!signal.aborted) {
      try {
        for await (const change of watch.watch(from, signal)) {
          if (change.plural === "servers") tell(change);
          if (change.plural === "secrets") await tellUsersOf(change.object.metadata.name);
        }
      } catch (err) {
        log.error({ err }, "following changes of servers broke off; it will be taken up again");
        await sleep(AGAIN_MS);
        from = await list().catch(() => from);
      }
    }
  }

  void follow(await list());
}
