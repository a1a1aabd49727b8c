import { filenameFlag, recursiveFlag } from "../args.ts";
import { defineCommand } from "../command.ts";
import { forEachObject } from "../for-each-object.ts";
import { loadManifests, requireDeclarative } from "../load-manifests.ts";
import { inDependencyOrder } from "../manifests/order.ts";

export const applyCommand = defineCommand({
  description:
    "Creates what does not exist and changes what differs. Fields that somebody else set stay theirs: mcpd refuses " +
    "to change them unless --force-conflicts takes them over. Every file is checked before the first object is sent.",
  examples: [
    "mcpctl apply -f servers.yaml",
    "mcpctl apply -f manifests/ -R --dry-run=server",
    "mcpctl get server files -o yaml | mcpctl apply -f -",
  ],
  positionals: {},
  flags: {
    filename: filenameFlag,
    recursive: recursiveFlag,
    forceConflicts: { type: "boolean", description: "Take over fields that others own." },
    dryRun: {
      type: "choice",
      choices: ["none", "client", "server"],
      default: "none",
      description: "client: only check the files. server: let mcpd check everything and store nothing.",
    },
    fieldManager: {
      type: "string",
      placeholder: "NAME",
      default: "mcpctl-apply",
      description: "Who owns the fields that are set.",
    },
  },

  async run(context, { filename, recursive, forceConflicts, dryRun, fieldManager }) {
    const manifests = inDependencyOrder(
      await loadManifests(context.io, { files: filename, isRecursive: recursive }, "whole"),
    );
    requireDeclarative(manifests);
    if (dryRun === "client") {
      for (const { kind, name } of manifests) context.io.out(`${kind.singular}/${name} valid (client dry run)`);
      return 0;
    }
    const api = await context.api();
    const options = { fieldManager, force: forceConflicts, isDryRun: dryRun === "server" };
    return forEachObject(context, manifests, async ({ kind, written }) => {
      const { outcome } = await api.apply(kind, written, options);
      return dryRun === "server" ? `${outcome} (server dry run)` : outcome;
    });
  },
});
