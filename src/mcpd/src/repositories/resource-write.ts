import type { Resource } from "@mcpctl/shared/kinds/kind.ts";
import { type Kysely, type RawBuilder, sql } from "kysely";
import { COMMIT_CHANNEL } from "./engine.ts";
import type { Change } from "./interfaces.ts";
import { type ResourceRow, toResource } from "./resource-rows.ts";
import type { Tables } from "./tables.ts";

interface ResourceWrite {
  type: Change["type"];
  /** Selects a row when there is something to write: only then a version is drawn. */
  occasion: RawBuilder<unknown>;
  /** Writes one row of `resources` with `drawn.value` as its version and returns it. */
  statement: RawBuilder<unknown>;
}

/**
 * Writes a resource and its change in one statement. Drawing the version locks the one row of `revision` until the
 * commit, so that versions become visible in their order. The database looks for the occasion before it waits for that
 * lock: `statement` must repeat the condition, which is then judged by what the writer before has left.
 *
 * @returns undefined when nothing was written.
 */
export async function writeResource(db: Kysely<Tables>, write: ResourceWrite): Promise<Resource | undefined> {
  const { rows } = await sql<Outcome>`
    with
      occasion as (${write.occasion}),
      drawn as (update revision set value = value + 1 where exists (select from occasion) returning value),
      written as (${write.statement}),
      logged as (
        insert into changes (version, type, plural, object)
        select drawn.value, ${write.type}, written.plural, to_jsonb(written) from written, drawn
      )
    select written.*, drawn.value as drawn, pg_notify(${COMMIT_CHANNEL}, '')
    from drawn left join written on true`.execute(db);
  const [outcome] = rows;
  if (!outcome) return undefined;
  if (isWritten(outcome)) return toResource(outcome);
  await giveBack(db, outcome.drawn);
  return undefined;
}

type Outcome = { drawn: string } & (ResourceRow | { [Column in keyof ResourceRow]: null });

function isWritten(outcome: Outcome): outcome is Outcome & ResourceRow {
  return outcome.uid !== null;
}

/** A version without a change would look like a change that was lost. Nobody can have seen it: only changes show one. */
async function giveBack(db: Kysely<Tables>, version: string): Promise<void> {
  await sql`update revision set value = value - 1 where value = ${version}::bigint`.execute(db);
}
