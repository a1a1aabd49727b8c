import { McpctlError } from "../errors.ts";
import { ANY_RESOURCE } from "../rbac/vocabulary.ts";
import { closest } from "../suggest.ts";
import { events } from "./events.ts";
import { gateways } from "./gateways.ts";
import { groups } from "./groups.ts";
import { instances } from "./instances.ts";
import type { Kind } from "./kind.ts";
import { mcpTokens } from "./mcp-tokens.ts";
import { projects } from "./projects.ts";
import { proxyModels } from "./proxy-models.ts";
import { rbacDefinitions, type RoleBinding } from "./rbac-definitions.ts";
import { secrets } from "./secrets.ts";
import { servers } from "./servers.ts";
import { users } from "./users.ts";

/** Every kind, in the order in which listings print them. Adding a kind means adding a file and a line here. */
export const KINDS: readonly Kind[] = [
  servers,
  instances,
  projects,
  mcpTokens,
  proxyModels,
  secrets,
  gateways,
  users,
  groups,
  rbacDefinitions,
  events,
];

/** Every word that names a kind, lower-case. */
export function kindWords(kind: Kind): string[] {
  return [...new Set([kind.kind.toLowerCase(), kind.singular, kind.plural, ...kind.shortNames])];
}

/** @returns the kind that a word (kind, singular, plural or short name, any case) stands for, or undefined. */
export function findKind(word: string, kinds: readonly Kind[] = KINDS): Kind | undefined {
  const wanted = word.toLowerCase();
  return kinds.find((kind) => kindWords(kind).includes(wanted));
}

/**
 * Resolves what a user typed.
 *
 * @throws {McpctlError} `invalid`, with the closest existing word as the hint.
 */
export function getKind(word: string, kinds: readonly Kind[] = KINDS): Kind {
  const found = findKind(word, kinds);
  if (found) return found;
  const suggestion = closest(word.toLowerCase(), kinds.flatMap(kindWords));
  throw new McpctlError("invalid", `Unknown kind "${word}"`, {
    hint: suggestion
      ? `Did you mean "${getKind(suggestion, kinds).kind}"?`
      : `The kinds are: ${kinds.map((k) => k.kind).join(", ")}`,
  });
}

/** Resources that RBAC knows: `*` and the plurals of the kinds. */
export const RBAC_RESOURCES: readonly string[] = [ANY_RESOURCE, ...KINDS.map((kind) => kind.plural)];

/** Every other word that RBAC takes for a resource, with the plural that it stands for. */
export const RESOURCE_ALIASES: Readonly<Record<string, string>> = Object.fromEntries(
  KINDS.flatMap((kind) => kindWords(kind).map((word) => [word, kind.plural])),
);

/** A binding in the one form that is stored: aliases become plurals, so that the evaluator need not guess. */
export function normalizeBinding(binding: RoleBinding): RoleBinding {
  return "action" in binding ? binding : { ...binding, resource: getRbacResource(binding.resource) };
}

/**
 * @returns the plural that a word in a binding stands for.
 * @throws {McpctlError} `invalid`
 */
function getRbacResource(word: string): string {
  return word === ANY_RESOURCE ? word : getKind(word).plural;
}
