import type { Gateway } from "@mcpctl/shared/kinds/gateways.ts";
import { type Kysely, sql } from "kysely";
import type { GatewayRepository } from "./interfaces.ts";
import { type ResourceRow, toResourceOf } from "./resource-rows.ts";
import type { Tables } from "./tables.ts";

export function createGatewayRepository(db: Kysely<Tables>): GatewayRepository {
  return {
    async insert({ uid, sha }) {
      await sql`insert into gateways (uid, sha) values (${uid}, decode(${sha}, 'hex'))`.execute(db);
    },

    async findBySha(sha) {
      const { rows } = await sql<ResourceRow>`
        select resources.* from gateways join resources on resources.uid = gateways.uid
        where gateways.sha = decode(${sha}, 'hex')`.execute(db);
      return rows[0] && toResourceOf<Gateway>(rows[0]);
    },
  };
}
