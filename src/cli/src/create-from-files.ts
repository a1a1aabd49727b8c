import type { CommandContext } from "./command-context.ts";
import { forEachObject } from "./for-each-object.ts";
import { loadManifests, requireDeclarative } from "./load-manifests.ts";
import { inDependencyOrder } from "./manifests/order.ts";
import type { SourceOptions } from "./manifests/sources.ts";

/** Creates every object of the files. @returns the exit code of the first failure. */
export async function createFromFiles(context: CommandContext, files: SourceOptions): Promise<number> {
  const manifests = inDependencyOrder(await loadManifests(context.io, files, "whole"));
  requireDeclarative(manifests);
  const api = await context.api();
  return forEachObject(context, manifests, async ({ kind, written }) => {
    await api.create(kind, written);
    return "created";
  });
}
