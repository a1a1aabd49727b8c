import { hasCode, McpctlError } from "@mcpctl/shared/errors.ts";
import type { SecretRef, ServerSpec } from "@mcpctl/shared/kinds/servers.ts";
import type { Database } from "../repositories/interfaces.ts";
import { openSecrets } from "./envelope.ts";
import type { KeyRing } from "./key-ring.ts";
import type { KnownSecrets } from "./known-secrets.ts";
import type { RecentReads } from "./recent-reads.ts";

/** Why a value cannot be had, as a condition of the server that needs it says. */
export interface SecretFault {
  reason: "SecretNotFound" | "SecretKeyNotFound" | "SecretUnreadable";
  message: string;
}

export type Entries = ServerSpec["env"] | ServerSpec["headers"];

export interface ResolvedValues {
  /** By the name of the variable or header; without those that cannot be had. */
  values: Record<string, string>;
  /** Those of them that come from Secrets. */
  secretValues: string[];
  /** The first of them. */
  fault?: SecretFault | undefined;
}

/** Turns the entries of a server into values; what it does not name, it does not get. */
export interface SecretRefs {
  resolve(entries: Entries): Promise<ResolvedValues>;
  /** Headers of a remote server. @throws {McpctlError} `upstream-unavailable` when a value cannot be had. */
  headersOf(spec: Pick<ServerSpec, "headers">): Record<string, string> | Promise<Record<string, string>>;
}

interface SecretRefsDeps {
  database: Pick<Database, "read">;
  reads: RecentReads;
  keys: KeyRing;
  known: KnownSecrets;
}

const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

export function createSecretRefs({ database, reads, keys, known }: SecretRefsDeps): SecretRefs {
  /** @returns undefined when there is no such Secret. @throws {McpctlError} `secrets-key-unusable` */
  async function load(name: string): Promise<ReadonlyMap<string, string> | undefined> {
    const found = await database.read.secrets.find({ plural: "secrets", project: "", name });
    if (!found) return undefined;
    const values = found.sealed ? openSecrets(keys, found.resource, found.sealed) : new Map<string, string>();
    known.add(values.values());
    return values;
  }

  async function find({ name, key }: SecretRef): Promise<string | SecretFault> {
    try {
      const values = await reads.read(`secret ${name}`, () => load(name));
      if (!values) return { reason: "SecretNotFound", message: `Secret "${name}" does not exist` };
      const value = values.get(`data.${key}`);
      return value ?? { reason: "SecretKeyNotFound", message: `Secret "${name}" has no key "${key}"` };
    } catch (thrown) {
      if (!hasCode(thrown, "secrets-key-unusable")) throw thrown;
      return { reason: "SecretUnreadable", message: `Secret "${name}" cannot be read: ${thrown.message}` };
    }
  }

  async function resolve(entries: Entries): Promise<ResolvedValues> {
    const resolved: ResolvedValues = { values: {}, secretValues: [] };
    for (const { name, value, secretRef } of entries) {
      const found = secretRef ? await find(secretRef) : (value ?? "");
      if (typeof found !== "string") resolved.fault ??= found;
      else {
        resolved.values[name] = found;
        if (secretRef) resolved.secretValues.push(found);
      }
    }
    return resolved;
  }

  return {
    resolve,
    headersOf({ headers }) {
      if (!hasSecretRefs(headers)) return plainValues(headers);
      return resolve(headers).then(({ values, fault }) => {
        if (fault) throw new McpctlError("upstream-unavailable", fault.message, { hint: HINT });
        return requireSendable(values);
      });
    },
  };
}

const HINT = "Create it with: mcpctl create secret NAME --from-file KEY=PATH";

export function hasSecretRefs(entries: Entries): boolean {
  return entries.some(({ secretRef }) => secretRef !== undefined);
}

function plainValues(entries: Entries): Record<string, string> {
  return Object.fromEntries(entries.map(({ name, value = "" }) => [name, value]));
}

/** Names the header alone; a client of HTTP might quote the value. */
function requireSendable(values: Record<string, string>): Record<string, string> {
  const bad = Object.entries(values).find(([, value]) => !HEADER_VALUE.test(value));
  if (!bad) return values;
  throw new McpctlError("upstream-unavailable", `The secret for header ${bad[0]} has characters that no header may`, {
    hint: "A file that ends in a newline is a usual reason",
  });
}
