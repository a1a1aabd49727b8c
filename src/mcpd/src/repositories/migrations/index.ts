import type { Migration } from "kysely/migration";
import { initial } from "./0001-initial.ts";
import { people } from "./0005-people.ts";
import { audit } from "./0002-audit.ts";
import { secrets } from "./0003-secrets.ts";

/**
 * Every migration, by a name that sorts behind the ones before it. A list in code, so that a bundle carries it.
 *
 * During an upgrade the previous release of mcpd still runs on the new tables: a migration only adds. What no release
 * uses any more is removed by a later one.
 */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  "0001-initial": initial,
  "0002-audit": audit,
  "0003-secrets": secrets,
  "0005-people": people,
};
