import type { WrittenManifest } from "@mcpctl/shared/api/client.ts";
import { API_VERSION, type Kind, manifestSchema } from "@mcpctl/shared/kinds/kind.ts";
import { parseWith } from "@mcpctl/shared/validate.ts";
import type { CommandContext } from "./command-context.ts";

export interface NewObject {
  kind: Kind;
  name: string;
  project?: string | undefined;
  spec: Readonly<Record<string, unknown>>;
}

/**
 * Writes the manifest that the flags of a `create` command stand for; flags that were not given are not in it.
 *
 * @throws {McpctlError} `invalid`, by the schema of the kind.
 */
export function toManifest({ kind, name, project, spec }: NewObject): WrittenManifest {
  const given = Object.entries(spec).filter(
    ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
  );
  const manifest = {
    apiVersion: API_VERSION,
    kind: kind.kind,
    metadata: { name, ...(project !== undefined && { project }) },
    spec: Object.fromEntries(given),
  };
  parseWith(manifestSchema(kind), manifest, `${kind.singular} "${name}"`);
  return manifest;
}

/** Creates one object and says so. */
export async function createObject({ io, api }: Pick<CommandContext, "io" | "api">, object: NewObject): Promise<void> {
  const manifest = toManifest(object);
  await (await api()).create(object.kind, manifest);
  io.out(`${object.kind.singular}/${object.name} created`);
}
