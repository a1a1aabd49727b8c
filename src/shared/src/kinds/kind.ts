import * as z from "zod";
import { manifestMetadataSchema, type Metadata, type NameForm } from "./metadata.ts";

export const API_VERSION = "mcpctl.io/v1";

/** Address of one resource. `project` is "" for global kinds; `name` is "" for a whole collection. */
export interface ResourceRef {
  plural: string;
  project: string;
  name: string;
}

/** What the server stores and returns. */
export interface Resource<Spec = unknown, Status = unknown> {
  apiVersion: typeof API_VERSION;
  kind: string;
  metadata: Metadata;
  spec: Spec;
  status?: Status | undefined;
}

/** A list as the server answers it; `apply -f` takes it back. */
export interface ResourceList<R = Resource> {
  apiVersion: typeof API_VERSION;
  kind: "List";
  metadata: { resourceVersion: string; continue?: string };
  items: R[];
}

/** What REST offers on a kind to those who have the right. The rest belongs to the system. */
export const CRUD = ["get", "list", "watch", "create", "update", "delete"] as const;
export const READ_ONLY = ["get", "list", "watch"] as const;
export type Verb = (typeof CRUD)[number];

/** One column of `mcpctl get`. The printer prints it, the reference lists it, a contract test checks it. */
export interface Column<R> {
  header: string;
  description: string;
  /** Shown only with `-o wide`. */
  wide?: boolean;
  /** @returns undefined when unknown; printed as `-`. A value ending in `At` is printed as an age. */
  value(resource: R): string | undefined;
}

export interface Kind<Spec extends z.ZodType = z.ZodType, Status extends z.ZodType = z.ZodType> {
  kind: string;
  singular: string;
  plural: string;
  shortNames: readonly string[];
  scope: "global" | "project";
  nameForm: NameForm;
  summary: string;
  verbs: readonly Verb[];
  /** Made by a service of its own, whose answer holds a credential this once. */
  isMinted?: boolean;
  spec: Spec;
  status: Status;
  /**
   * Merge keys of lists by their path, for apply: `{ "spec.env": "name" }`; "" marks a set of scalars.
   * A list that is not named here is replaced as a whole.
   */
  listMapKeys: Readonly<Record<string, string>>;
  columns: readonly Column<Resource<z.output<Spec>, z.output<Status>>>[];
  examples: readonly { metadata: { name: string; project?: string }; spec: z.input<Spec> }[];
}

export type ResourceOf<K extends Kind> = Resource<z.output<K["spec"]>, z.output<K["status"]>>;

/** Gives a descriptor its inferred types, then forgets them, so that all kinds fit in one list. */
export function defineKind<Spec extends z.ZodType, Status extends z.ZodType>(
  kind: Kind<Spec, Status>,
): Kind<Spec, Status> {
  return kind;
}

/** What a user writes. Server-set fields are accepted and ignored. */
export function manifestSchema<Spec extends z.ZodType>(kind: Pick<Kind<Spec>, "kind" | "nameForm" | "spec">) {
  return z.strictObject({
    apiVersion: z.literal(API_VERSION).default(API_VERSION).describe("Optional on input."),
    kind: z.literal(kind.kind).describe("The kind of the object."),
    metadata: manifestMetadataSchema(kind.nameForm).describe("Name, labels and what the server keeps."),
    spec: kind.spec.describe("What is wanted."),
    status: z.unknown().optional().describe("What was observed; ignored on input."),
  });
}

/** A manifest that passed its kind's schema: defaults are filled in. */
export interface Manifest<Spec = unknown> {
  kind: string;
  metadata: Pick<Metadata, "name" | "labels" | "annotations"> & {
    project?: string | undefined;
    resourceVersion?: string | undefined;
    uid?: string | undefined;
  };
  spec: Spec;
}
