import { hasCode } from "@mcpctl/shared/errors.ts";
import type { Kind } from "@mcpctl/shared/kinds/kind.ts";
import { filenameFlag, projectFlag, recursiveFlag, requireProject, usageError } from "../args.ts";
import { defineCommand } from "../command.ts";
import { forEachObject } from "../for-each-object.ts";
import { loadManifests } from "../load-manifests.ts";
import { inDependencyOrder } from "../manifests/order.ts";
import { parseNamedResources } from "../resource-args.ts";

export const deleteCommand = defineCommand({
  examples: [
    "mcpctl delete server files",
    "mcpctl delete servers files search --ignore-not-found",
    "mcpctl delete mcptoken agent -p demo",
    "mcpctl delete -f servers.yaml",
  ],
  positionals: {
    kind: { label: "KIND[/NAME]", description: "Kind, or kind and name." },
    names: { label: "NAME...", variadic: true, description: "Names of the objects." },
  },
  flags: {
    filename: filenameFlag,
    recursive: recursiveFlag,
    project: projectFlag,
    ignoreNotFound: { type: "boolean", description: "Treat a missing object as success." },
  },

  async run(context, { kind: word, names, filename, recursive, project = context.config.project, ignoreNotFound }) {
    const isByFile = filename.length > 0;
    if (isByFile === (word !== undefined)) {
      throw usageError("delete needs either KIND NAME or -f FILE", "For example: mcpctl delete server files");
    }
    const objects: { kind: Kind; name: string; project?: string | undefined }[] = isByFile
      ? inDependencyOrder(
          await loadManifests(context.io, { files: filename, isRecursive: recursive }, "identity"),
        ).toReversed()
      : parseNamedResources([word ?? "", ...names]);
    const addressed = objects.map(({ kind, name, project: own = project }) => {
      return { kind, name, project: kind.scope === "project" ? requireProject(own, kind.singular) : undefined };
    });
    const api = await context.api();
    return forEachObject(context, addressed, async ({ kind, name, project: owner }) => {
      try {
        await api.delete(kind, { name, project: owner });
        return "deleted";
      } catch (thrown) {
        if (!ignoreNotFound || !hasCode(thrown, "not-found")) throw thrown;
        return "not found, ignored";
      }
    });
  },
});
