import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** Prefixes of the bearers that exist. Authentication dispatches on them and nothing else. */
export const TOKEN_PREFIX = "mcpctl_pat_";
export const SESSION_PREFIX = "mcpctl_ses_";
export const GATEWAY_PREFIX = "mcpctl_gw_";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SECRET_BYTES = 32;
/** ceil(256 / log2(62)): every 256-bit number fits, left-padded, so no random value is ever rejected. */
const SECRET_LENGTH = 43;
const BODY = new RegExp(`^[${ALPHABET}]{${SECRET_LENGTH}}$`);

export interface MintedToken {
  /** Shown to its owner once; never stored. */
  raw: string;
  /** Lower-case hex SHA-256 of `raw`; this is what is stored and what RBAC subjects name. */
  sha: string;
}

/** Mints an `McpToken` bearer: the prefix and 32 random bytes in base62. */
export function generateToken(prefix: string = TOKEN_PREFIX): MintedToken {
  const raw = prefix + toBase62(randomBytes(SECRET_BYTES));
  return { raw, sha: hashToken(raw) };
}

/** @returns lower-case hex SHA-256. A slow hash would add nothing: the secret has 256 bits of entropy. */
export function hashToken(raw: string): string {
  return sha256Hex(raw);
}

/** @returns lower-case hex SHA-256 of the text's UTF-8. */
export function sha256Hex(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

/** Whether `bearer` has the shape of an McpToken; says nothing about whether it exists. */
export function isMcpToken(bearer: string): boolean {
  return bearer.startsWith(TOKEN_PREFIX) && BODY.test(bearer.slice(TOKEN_PREFIX.length));
}

/** Whether `bearer` has the shape of a login session. */
export function isSessionToken(bearer: string): boolean {
  return bearer.startsWith(SESSION_PREFIX) && BODY.test(bearer.slice(SESSION_PREFIX.length));
}

/** Text without the secret part of any bearer in it: people paste them where names belong. */
export function redactTokens(text: string): string {
  return text.includes("mcpctl_") ? text.replaceAll(/(mcpctl_[a-z]{2,4}_)[A-Za-z0-9]+/g, "$1...") : text;
}

/** Whether `bearer` has the shape of the credential of a gateway. */
export function isGatewayCredential(bearer: string): boolean {
  return bearer.startsWith(GATEWAY_PREFIX) && BODY.test(bearer.slice(GATEWAY_PREFIX.length));
}

/** Compares two hex strings in time that depends on their length alone. Strings that are not hex never match. */
export function timingSafeEqualHex(a: string, b: string): boolean {
  const isHex = /^(?:[0-9a-f]{2})+$/i;
  if (a.length !== b.length || !isHex.test(a) || !isHex.test(b)) return false;
  return timingSafeEqual(Buffer.from(a, "hex"), Buffer.from(b, "hex"));
}

function toBase62(bytes: Uint8Array): string {
  let value = BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  let text = "";
  while (value > 0n) {
    text = ALPHABET.charAt(Number(value % 62n)) + text;
    value /= 62n;
  }
  return text.padStart(SECRET_LENGTH, "0");
}
