import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Resource } from "@mcpctl/shared/kinds/kind.ts";
import type { SealedSecrets } from "../repositories/interfaces.ts";
import type { KeyRing } from "./key-ring.ts";

const ALGORITHM = "aes-256-gcm";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Part of what is authenticated: another layout gets another name, and neither can be taken for the other. */
const LAYOUT = "mcpctl secret 1";

/**
 * Encrypts the values of one generation of an object under a data key of their own, and that one under the first key of
 * the ring. What is encrypted opens only as what it was: the same field of the same generation of the same object.
 */
export function sealSecrets(keys: KeyRing, resource: Resource, values: ReadonlyMap<string, string>): SealedSecrets {
  const { id, key } = keys.first();
  const dataKey = randomBytes(KEY_BYTES);
  const entries = [...values].map(([path, value]) => [path, encrypt(dataKey, value, placeOf(resource, path))] as const);
  return { keyId: id, wrappedKey: wrap({ id, key }, dataKey, resource), values: Object.fromEntries(entries) };
}

/** @throws {McpctlError} `secrets-key-unusable` when the ring lacks the key, or the envelope was tampered with. */
export function openSecrets(keys: KeyRing, resource: Resource, sealed: SealedSecrets): Map<string, string> {
  const dataKey = unwrap(keys, resource, sealed);
  return new Map(
    Object.entries(sealed.values).map(([path, value]) => {
      return [path, decrypt(dataKey, value, placeOf(resource, path)).toString("utf8")] as const;
    }),
  );
}

/** The same envelope under the first key of the ring; the values are not touched. */
export function rewrapSecrets(keys: KeyRing, resource: Resource, sealed: SealedSecrets): SealedSecrets {
  const first = keys.first();
  return { ...sealed, keyId: first.id, wrappedKey: wrap(first, unwrap(keys, resource, sealed), resource) };
}

/** What ciphertext is bound to. JSON, so that no two places are written alike. */
function placeOf({ metadata }: Resource, ...place: string[]): Buffer {
  const { uid, project = "", name, generation } = metadata;
  return Buffer.from(JSON.stringify([LAYOUT, uid, project, name, generation, ...place]));
}

function wrap({ id, key }: { id: string; key: Uint8Array }, dataKey: Uint8Array, resource: Resource): string {
  return encrypt(key, dataKey, placeOf(resource, "data key", id));
}

function unwrap(keys: KeyRing, resource: Resource, { keyId, wrappedKey }: SealedSecrets): Buffer {
  return decrypt(keys.get(keyId), wrappedKey, placeOf(resource, "data key", keyId));
}

/** @returns base64 of nonce, ciphertext and tag. */
function encrypt(key: Uint8Array, value: string | Uint8Array, place: Uint8Array): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES }).setAAD(place);
  const parts = [cipher.update(typeof value === "string" ? Buffer.from(value) : value), cipher.final()];
  return Buffer.concat([nonce, ...parts, cipher.getAuthTag()]).toString("base64");
}

function decrypt(key: Uint8Array, text: string, place: Uint8Array): Buffer {
  const bytes = Buffer.from(text, "base64");
  if (bytes.length < NONCE_BYTES + TAG_BYTES) throw tampered();
  const end = bytes.length - TAG_BYTES;
  const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(place).setAuthTag(bytes.subarray(end));
  const value = decipher.update(bytes.subarray(NONCE_BYTES, end));
  try {
    return Buffer.concat([value, decipher.final()]);
  } catch (cause) {
    throw tampered(cause);
  }
}

export function tampered(cause?: unknown): McpctlError {
  return new McpctlError("secrets-key-unusable", "A secret cannot be decrypted: it is not what was stored", {
    hint: "The database was changed behind mcpd; delete the object and create it again",
    cause,
  });
}
