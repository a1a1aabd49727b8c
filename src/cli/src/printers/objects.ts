import { API_VERSION, type Resource, type ResourceList } from "@mcpctl/shared/kinds/kind.ts";
import { stringify } from "yaml";
import { escapeUnprintable } from "./text.ts";

/** JSON for programs; two spaces, because people look at it too. */
export function toJson(value: unknown): string {
  return escapeUnprintable(JSON.stringify(value, undefined, 2));
}

/** YAML that `apply -f` takes back, and that YAML 1.1 readers understand alike. */
export function toYaml(value: unknown): string {
  const text = stringify(value, { compat: "yaml-1.1", lineWidth: 0, aliasDuplicateObjects: false });
  return escapeUnprintable(text).trimEnd();
}

export function toList(items: readonly Resource[], resourceVersion = ""): ResourceList {
  return { apiVersion: API_VERSION, kind: "List", metadata: { resourceVersion }, items: [...items] };
}
