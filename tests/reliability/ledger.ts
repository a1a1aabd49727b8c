import type { ErrorCode } from "../../src/shared/src/errors.ts";
import type { WrittenManifest } from "../../src/shared/src/api/client.ts";
import type { Kind, Resource } from "../../src/shared/src/kinds/kind.ts";

/** One write as it was planned. */
export interface Operation {
  /** Its request id, and the mark that it leaves in what it writes. */
  id: string;
  verb: "create" | "update" | "apply" | "delete" | "mint" | "revoke";
  kind: Kind;
  object: { name: string; project?: string };
  /** Absent where nothing is sent: delete and revoke. */
  manifest?: SentManifest;
  /** Of an apply. */
  fieldManager?: string;
  /** An apply takes fields over; an update reads first and sends the version that it saw. */
  isForced?: boolean;
}

export interface SentManifest extends WrittenManifest {
  kind: string;
  metadata: WrittenManifest["metadata"] & {
    labels: Record<string, string>;
    annotations: Record<string, string>;
    resourceVersion?: string;
  };
  spec?: Record<string, unknown>;
}

/** What its client was told. Nothing was told when the connection broke, or when mcpd lost its database. */
export type Outcome =
  | { answer: "stored"; resource: Resource; token?: string }
  | { answer: "refused"; code: ErrorCode }
  | { answer: "none" };

export interface Entry extends Operation {
  outcome: Outcome;
}

/** One change as a watch told it. */
export interface LoggedChange {
  version: number;
  type: "ADDED" | "MODIFIED" | "DELETED";
  plural: string;
  object: Resource;
}

/** A promise that was broken. */
export interface Violation {
  kind: "lost" | "half" | "unexplained" | "audit" | "watch" | "token" | "orphan";
  what: string;
}

/** The name of everything that the ledger speaks of begins with it. */
export const PREFIX = "w-";
/** Annotations whose key begins with it hold the id of the write that set them. */
export const TAG = "tag";

export function addressOf(plural: string, { name, project = "" }: { name: string; project?: string | undefined }) {
  return `${plural}/${project}/${name}`;
}

export function describeOperation({ id, verb, kind, object }: Operation): string {
  return `${verb} ${addressOf(kind.plural, object)} (${id})`;
}
