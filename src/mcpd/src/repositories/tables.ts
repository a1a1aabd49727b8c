import type { FieldOwner } from "@mcpctl/shared/kinds/metadata.ts";
import type { ColumnType, Generated } from "kysely";

/** 64-bit integers are text outside the database, since a JavaScript number cannot hold them all. */
type BigInteger = ColumnType<string, string, string>;

export interface ResourceTable {
  uid: Generated<string>;
  plural: string;
  /** "" for global kinds. */
  project: string;
  name: string;
  kind: string;
  generation: number;
  resource_version: BigInteger;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  managed_fields: FieldOwner[];
  spec: unknown;
  status: unknown;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
}

/** Tables that the query builder is used on, as the newest migration leaves them. The others are spoken to in SQL. */
export interface Tables {
  resources: ResourceTable;
  credentials: { user_uid: string; password_hash: string };
  sessions: { user_uid: string };
}
