import { isDeepStrictEqual } from "node:util";
import { McpctlError, notFound } from "@mcpctl/shared/errors.ts";
import { toJson } from "@mcpctl/shared/json.ts";
import {
  type Kind,
  type Manifest,
  manifestSchema,
  type Resource,
  type ResourceRef,
} from "@mcpctl/shared/kinds/kind.ts";
import { takeSecrets } from "@mcpctl/shared/kinds/secret-fields.ts";
import { manifestMetadataSchema } from "@mcpctl/shared/kinds/metadata.ts";
import { parseWith } from "@mcpctl/shared/validate.ts";
import * as z from "zod";
import type { HookScope, KindHooks } from "../hooks/kind-hooks.ts";
import type { Database, Repositories, ResourceContent, ResourceQuery } from "../repositories/interfaces.ts";
import type { AuditService, Deed } from "./audit.service.ts";
import { mergeApplied, ownersOfNew, ownersOfUpdated } from "./field-ownership.ts";
import type { RbacService } from "./rbac.service.ts";
import type { RequestContext } from "./request-context.ts";
import type { SecretVault } from "./secret-vault.ts";

export interface ResourceServiceDeps {
  database: Pick<Database, "read">;
  audit: AuditService;
  rbac: RbacService;
  vault: SecretVault;
  /** By plural. */
  hooks: Readonly<Record<string, KindHooks>>;
}

export interface WriteOptions {
  context: RequestContext;
  /** Who owns the fields that are written. */
  fieldManager: string;
  /** Runs everything and commits nothing. */
  isDryRun?: boolean;
}

export interface ApplyOptions extends WriteOptions {
  /** Refuses the write when the object has another version, or does not exist. */
  expectedVersion?: string | undefined;
  /** Takes fields from their owners. */
  force: boolean;
}

export interface Written {
  resource: Resource;
  result: "created" | "configured" | "unchanged";
}

export type ResourceService = ReturnType<typeof createResourceService>;

/** The rules that all kinds share. What one kind adds is in its hooks. */
export function createResourceService(deps: ResourceServiceDeps) {
  const { database } = deps;
  return {
    /** @throws {McpctlError} `not-found` */
    async get(kind: Kind, ref: ResourceRef): Promise<Resource> {
      return complete(deps, database.read, kind, await getStored(database.read, kind, ref));
    },

    /** Sorted by project and name. */
    async list(kind: Kind, query: Omit<ResourceQuery, "plural">): Promise<Resource[]> {
      const resources = await database.read.resources.list({ ...query, plural: kind.plural });
      const hook = deps.hooks[kind.plural]?.complete;
      return hook ? hook(database.read, resources) : resources;
    },

    /** @throws {McpctlError} `already-exists`, `invalid`, `forbidden` (hook). */
    create(kind: Kind, body: unknown, options: WriteOptions): Promise<Resource> {
      const manifest = deps.vault.keepMasked(kind, toManifest(deps, kind, body), undefined);
      const owners = ownersOfNew(kind, parseWritten(kind, body), options.fieldManager);
      return inTransaction(deps, { kind, name: manifest.metadata.name, verb: "create", options }, (scope) =>
        insert(deps, { scope, kind, manifest, owners }),
      );
    },

    /**
     * Makes labels, annotations and spec equal to the manifest's. Updating twice changes nothing the second time.
     *
     * @throws {McpctlError} `not-found`, `invalid`, `forbidden` (hook), `conflict` (stale `metadata.resourceVersion`).
     */
    update(kind: Kind, ref: ResourceRef, body: unknown, options: WriteOptions): Promise<Resource> {
      const written = toManifest(deps, kind, body);
      return inTransaction(deps, { kind, name: ref.name, verb: "update", options }, async (scope) => {
        const stored = await getStored(scope.repositories, kind, ref);
        requireSameName(stored, written);
        const [current, manifest] = await deps.vault.reveal(scope.repositories, kind, { stored, written });
        const owners = ownersOfUpdated(kind, current, manifest, options.fieldManager);
        return (await replace(deps, { scope, kind, current, manifest, owners })).resource;
      });
    },

    /**
     * Merges what a manager applied with what others own. A resourceVersion in the manifest does not count: the owners
     * of fields decide what is a conflict, and a version that only a status has moved is none.
     *
     * @param body - the manifest as the user wrote it, without defaults: the manager will own just these fields. It
     *   need not be complete, as long as the merged object is.
     * @throws {McpctlError} `conflict`, naming each field that another manager owns; `invalid`, `forbidden` (hook).
     */
    apply(kind: Kind, ref: ResourceRef, body: unknown, options: ApplyOptions): Promise<Written> {
      const written = parseWritten(kind, body);
      if (written.metadata.name !== ref.name) throw nameMismatch(ref.name, written.metadata.name);
      return inTransaction(deps, { kind, name: ref.name, verb: "apply", options }, async (scope) => {
        const stored = await scope.repositories.resources.find(ref);
        requireAccess(scope, kind, stored ? { verb: "update", name: stored.metadata.name } : { verb: "create" });
        requireVersion(kind, stored, options.expectedVersion);
        const [current, applied] = await deps.vault.reveal(scope.repositories, kind, { stored, written });
        const { manifest: merged, owners } = mergeApplied(kind, applied, current, options);
        const manifest = toManifest(deps, kind, merged);
        if (!current) return { resource: await insert(deps, { scope, kind, manifest, owners }), result: "created" };
        return replace(deps, { scope, kind, current, manifest, owners });
      });
    },

    /** @returns what was deleted. @throws {McpctlError} `not-found`, `conflict` (`expectedVersion`). */
    delete(
      kind: Kind,
      ref: ResourceRef,
      options: WriteOptions & { expectedVersion?: string | undefined },
    ): Promise<Resource> {
      return inTransaction(deps, { kind, name: ref.name, verb: "delete", options }, async (scope, deed) => {
        const resource = await getStored(scope.repositories, kind, ref);
        await deps.hooks[kind.plural]?.beforeDelete?.(scope, resource);
        const { project, name } = resource.metadata;
        Object.assign(deed, { project, name });
        const found = { ...ref, project: project ?? "", name };
        const deleted = await scope.repositories.resources.delete(found, options.expectedVersion);
        if (!deleted) throw notFound(kind.singular, ref.name);
        return deleted;
      });
    },
  };
}

interface Transaction {
  kind: Kind;
  name: string;
  verb: string;
  options: WriteOptions;
}

/** Ends the transaction of a dry run; rolling back is what makes it one, and only a throw does that. */
class DryRunEnded extends Error {}

async function inTransaction<T>(
  { audit, rbac }: ResourceServiceDeps,
  { kind, name, verb, options }: Transaction,
  work: (scope: HookScope, deed: Deed) => Promise<T>,
): Promise<T> {
  const { context, isDryRun = false } = options;
  const deed: Deed = { verb, resource: kind.plural, name };
  const dry: { result: T }[] = [];
  try {
    return await audit.mutate(context, deed, async (repositories) => {
      const result = await work({ repositories, rbac: await rbac.within(repositories), context }, deed);
      if (!isDryRun) return result;
      dry.push({ result });
      throw new DryRunEnded();
    });
  } catch (error) {
    const [ended] = dry;
    if (ended && error instanceof DryRunEnded) return ended.result;
    throw error;
  } finally {
    rbac.invalidate();
  }
}

interface Write {
  scope: HookScope;
  kind: Kind;
  manifest: Manifest;
  owners: ResourceContent["managedFields"];
}

async function insert(deps: ResourceServiceDeps, { scope, kind, manifest, owners }: Write): Promise<Resource> {
  await deps.hooks[kind.plural]?.beforeWrite?.(scope, manifest, undefined);
  const { name, project = "", labels, annotations } = manifest.metadata;
  const { masked: spec, secrets } = takeSecrets(kind.spec, manifest.spec);
  const ref = { plural: kind.plural, project, name };
  const content = { labels, annotations, spec, managedFields: owners };
  const resource = await scope.repositories.resources.insert(ref, kind.kind, content);
  await deps.vault.keep(scope.repositories, resource, secrets);
  return resource;
}

async function replace(deps: ResourceServiceDeps, write: Write & { current: Resource }): Promise<Written> {
  const { scope, kind, manifest, owners, current } = write;
  const { name, project = "", resourceVersion } = current.metadata;
  const expectedVersion = manifest.metadata.resourceVersion ?? resourceVersion;
  const content: ResourceContent = {
    labels: manifest.metadata.labels,
    annotations: manifest.metadata.annotations,
    spec: manifest.spec,
    managedFields: owners,
  };
  const isSame = hasSameContent(current, content);
  // An unchanged object may still have a new owner of something in it.
  if (!isSame) await deps.hooks[kind.plural]?.beforeWrite?.(scope, manifest, current);
  const ref = { plural: kind.plural, project, name };
  const { masked: spec, secrets } = takeSecrets(kind.spec, manifest.spec);
  const hasNewSecrets = !isDeepStrictEqual(secrets, takeSecrets(kind.spec, current.spec).secrets);
  const stored = { ...content, spec, hasNewSecrets };
  const resource = await scope.repositories.resources.replace(ref, stored, expectedVersion);
  // What is sealed is bound to the generation.
  if (resource.metadata.generation !== current.metadata.generation)
    await deps.vault.keep(scope.repositories, resource, secrets);
  return { resource, result: isSame ? "unchanged" : "configured" };
}

function hasSameContent({ metadata: { labels, annotations }, spec }: Resource, content: ResourceContent): boolean {
  const { managedFields: _, ...wanted } = content;
  return isDeepStrictEqual({ labels, annotations, spec: toJson(spec) }, { ...wanted, spec: toJson(content.spec) });
}

/** Enough of a manifest to merge it or to see what it wrote; what comes of that is parsed in full. */
function parseWritten({ nameForm, kind, singular }: Kind, body: unknown) {
  const schema = z.looseObject({ kind: z.literal(kind), metadata: manifestMetadataSchema(nameForm) });
  return parseWith(schema, body, `The ${singular}`);
}

function toManifest({ hooks }: ResourceServiceDeps, kind: Kind, body: unknown): Manifest {
  const manifest = parseWith(manifestSchema(kind), body, `The ${kind.singular}`) as Manifest;
  if (kind.scope === "project" && manifest.metadata.project === undefined) {
    throw new McpctlError("invalid", `A ${kind.singular} belongs to a project`, {
      hint: "Say which with metadata.project",
      fields: [{ path: "metadata.project", message: "is missing" }],
    });
  }
  if (kind.scope === "global" && manifest.metadata.project !== undefined) {
    throw new McpctlError("invalid", `A ${kind.singular} belongs to no project`, {
      fields: [{ path: "metadata.project", message: `a ${kind.singular} has none` }],
    });
  }
  return hooks[kind.plural]?.normalize?.(manifest) ?? manifest;
}

async function getStored(repositories: Repositories, kind: Kind, ref: ResourceRef): Promise<Resource> {
  const resource = await repositories.resources.find(ref);
  if (!resource) throw notFound(kind.singular, ref.name);
  return resource;
}

async function complete(
  { hooks }: ResourceServiceDeps,
  repositories: Repositories,
  kind: Kind,
  resource: Resource,
): Promise<Resource> {
  const [completed] = (await hooks[kind.plural]?.complete?.(repositories, [resource])) ?? [resource];
  return completed ?? resource;
}

function requireVersion(kind: Kind, current: Resource | undefined, expected: string | undefined): void {
  if (expected === undefined || current?.metadata.resourceVersion === expected) return;
  throw new McpctlError("conflict", `The ${kind.singular} no longer has version ${expected}`, {
    hint: "Read it again, and apply to what it is now",
  });
}

function requireAccess(
  { rbac, context }: HookScope,
  kind: Kind,
  asked: { verb: "create" | "update"; name?: string },
): void {
  if (rbac.canAccess(context.principal, { ...asked, resource: kind.plural }).allowed) return;
  throw new McpctlError("forbidden", `You may not ${asked.verb} ${kind.plural}`, {
    hint: "Ask an administrator for a role that grants it",
  });
}

function requireSameName({ metadata }: Resource, manifest: Manifest): void {
  if (metadata.name !== manifest.metadata.name) throw nameMismatch(metadata.name, manifest.metadata.name);
}

function nameMismatch(addressed: string, written: string): McpctlError {
  return new McpctlError("invalid", `The URL names "${addressed}", the manifest "${written}"`, {
    hint: "Names cannot be changed; create a new object and delete the old one",
    fields: [{ path: "metadata.name", message: `must be ${addressed}` }],
  });
}
