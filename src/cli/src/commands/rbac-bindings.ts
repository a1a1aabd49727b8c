import { McpctlError } from "@mcpctl/shared/errors.ts";
import { RBAC_RESOURCES, RESOURCE_ALIASES } from "@mcpctl/shared/kinds/index.ts";
import type { RoleBinding } from "@mcpctl/shared/kinds/rbac-definitions.ts";
import { ACTIONS, ANY_RESOURCE, RESOURCE_ROLES } from "@mcpctl/shared/rbac/vocabulary.ts";
import { closest } from "@mcpctl/shared/suggest.ts";

const KEYS = ["role", "resource", "name", "action"] as const;
type Key = (typeof KEYS)[number];
type Pairs = Readonly<Partial<Record<Key, string>>>;

const RESOURCE_FORM = "role:view,resource:servers";
const ACTION_FORM = "action:logs";

/**
 * Parses one binding as it is typed: `role:view,resource:servers[,name:foo]` or `action:logs`.
 *
 * A pair ends its key at its first colon, so a name may have colons. `role:run` is implied by `action:`; written beside
 * it, it changes nothing, as in a file; any other role beside an action is refused.
 *
 * @throws {McpctlError} `invalid`, with the fix as the hint.
 */
export function parseRoleBinding(entry: string): RoleBinding {
  const pairs = parsePairs(entry);
  return pairs.action === undefined
    ? resourceBinding(entry, pairs)
    : actionBinding(entry, { ...pairs, action: pairs.action });
}

/** The inverse: how a binding is typed. */
export function formatRoleBinding(binding: RoleBinding): string {
  if ("action" in binding) return `action:${binding.action}`;
  const { role, resource, name } = binding;
  return `role:${role},resource:${resource}${name === undefined ? "" : `,name:${name}`}`;
}

function parsePairs(entry: string): Pairs {
  const pairs: Partial<Record<Key, string>> = {};
  for (const part of entry.split(",")) {
    const { key, value } = parsePair(entry, part);
    if (pairs[key] !== undefined)
      throw invalid(entry, `names "${key}" twice`, `Keep one ${key}:, and write one flag per binding`);
    pairs[key] = value;
  }
  return pairs;
}

function parsePair(entry: string, part: string): { key: Key; value: string } {
  if (part.trim() === "") throw invalid(entry, "has an empty pair", `Write it as ${RESOURCE_FORM}, with single commas`);
  const colon = part.indexOf(":");
  if (colon < 0) throw invalid(entry, `has "${part.trim()}", which is no key:value pair`, guessPair(part.trim()));
  const key = part.slice(0, colon).trim();
  const value = part.slice(colon + 1).trim();
  if (!isKey(key)) throw invalid(entry, `has the unknown key "${key}"`, guessKey(key, value));
  if (value === "") throw invalid(entry, `has no value for "${key}"`, `Write it as ${key}:VALUE`);
  return { key, value };
}

function isKey(word: string): word is Key {
  return (KEYS as readonly string[]).includes(word);
}

function guessPair(word: string): string {
  const [before = "", after = ""] = word.split("=");
  return isKey(before) ? `Write ${before}:${after}, with a colon` : `Write it as ${RESOURCE_FORM} or ${ACTION_FORM}`;
}

/** A role in the place of a key is the form of earlier versions, `edit:servers`. */
function guessKey(key: string, value: string): string {
  const role = RESOURCE_ROLES.find((candidate) => candidate === key);
  if (role !== undefined) return `Write it as role:${role},resource:${value}`;
  const suggestion = closest(key, KEYS);
  return suggestion === undefined ? `The keys are ${KEYS.join(", ")}` : `Did you mean "${suggestion}"?`;
}

function actionBinding(entry: string, { action, role, resource, name }: Pairs & { action: string }): RoleBinding {
  if (resource !== undefined || name !== undefined) {
    const extra = resource === undefined ? "name" : "resource";
    throw invalid(
      entry,
      `has both action and ${extra}`,
      `An action has no ${extra}: write action:${action}, and another flag for the rest`,
    );
  }
  if (role !== undefined && role !== "run") {
    throw invalid(entry, `has both action and role:${role}`, `Actions are run: write action:${action} alone`);
  }
  const known = ACTIONS.find((candidate) => candidate === action);
  if (known === undefined) throw unknown(entry, { key: "action", word: action, candidates: ACTIONS });
  return { role: "run", action: known };
}

function resourceBinding(entry: string, { role, resource, name }: Pairs): RoleBinding {
  if (role === undefined)
    throw invalid(entry, "has no role", `Add one, such as role:view; the roles are ${RESOURCE_ROLES.join(", ")}`);
  const known = RESOURCE_ROLES.find((candidate) => candidate === role);
  if (known === undefined) throw unknown(entry, { key: "role", word: role, candidates: RESOURCE_ROLES });
  if (resource === undefined) throw invalid(entry, "has no resource", missingResource(known));
  const plural = findPlural(resource);
  if (plural === undefined) {
    throw unknown(entry, {
      key: "resource",
      word: resource,
      candidates: [...RBAC_RESOURCES, ...Object.keys(RESOURCE_ALIASES)],
    });
  }
  return { role: known, resource: plural, ...(name !== undefined && { name }) };
}

function missingResource(role: string): string {
  const resource = `Add one, such as resource:servers, or resource:${ANY_RESOURCE} for all`;
  return role === "run" ? `${resource}; for an action write ${ACTION_FORM}` : resource;
}

function findPlural(word: string): string | undefined {
  if (word === ANY_RESOURCE) return word;
  const alias = word.toLowerCase();
  return Object.hasOwn(RESOURCE_ALIASES, alias) ? RESOURCE_ALIASES[alias] : undefined;
}

interface UnknownValue {
  key: Key;
  word: string;
  candidates: readonly string[];
}

function unknown(entry: string, { key, word, candidates }: UnknownValue): McpctlError {
  const suggestion = closest(word, candidates);
  const all = key === "resource" ? RBAC_RESOURCES : candidates;
  const hint = suggestion === undefined ? `The ${key}s are ${all.join(", ")}` : `Did you mean ${key}:${suggestion}?`;
  return invalid(entry, `has the unknown ${key} "${word}"`, hint);
}

function invalid(entry: string, why: string, hint: string): McpctlError {
  return new McpctlError("invalid", `Role binding "${entry}" ${why}`, { hint });
}
