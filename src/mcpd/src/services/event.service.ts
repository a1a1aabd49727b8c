import { hasCode } from "@mcpctl/shared/errors.ts";
import type { Event } from "@mcpctl/shared/kinds/events.ts";
import type { Database, Repositories } from "../repositories/interfaces.ts";

export type Happening = Omit<Event["spec"], "count" | "lastSeenAt">;

export interface EventRecorder {
  /** Notes that something happened; the same thing again only counts up. */
  record(happening: Happening): Promise<void>;
  /** Forgets what was last seen longer ago than a day. */
  prune(): Promise<void>;
}

const KEEP_MS = 24 * 3600 * 1000;

export function createEventRecorder(database: Pick<Database, "transact">): EventRecorder {
  return {
    record: (happening) => database.transact((repositories) => upsert(repositories, happening)),
    prune: () =>
      database.transact(async ({ resources, now }) => {
        const oldest = Date.parse(await now()) - KEEP_MS;
        for (const event of await resources.list<Event>({ plural: "events" })) {
          if (Date.parse(event.spec.lastSeenAt) >= oldest) continue;
          await resources.delete({ plural: "events", project: "", name: event.metadata.name });
        }
      }),
  };
}

async function upsert({ resources, now }: Repositories, happening: Happening): Promise<void> {
  const { regarding, reason } = happening;
  const name = `${regarding.kind}.${regarding.name}.${reason}`.toLowerCase();
  const ref = { plural: "events", project: "", name };
  const lastSeenAt = await now();
  const seen = await resources.find<Event>(ref);
  const rest = { labels: {}, annotations: {}, managedFields: [] };
  if (!seen) {
    await resources.insert(ref, "Event", { ...rest, spec: { ...happening, count: 1, lastSeenAt } });
    return;
  }
  // A process that flaps says the same thing many times a second.
  if (seen.spec.message === happening.message && Date.parse(lastSeenAt) - Date.parse(seen.spec.lastSeenAt) < 1_000)
    return;
  const spec = { ...happening, count: seen.spec.count + 1, lastSeenAt };
  try {
    await resources.replace(ref, { ...rest, spec }, seen.metadata.resourceVersion);
  } catch (error) {
    if (!hasCode(error, "conflict")) throw error;
  }
}
