import { McpctlError } from "./errors.ts";

const SECONDS = new Map([
  ["s", 1],
  ["m", 60],
  ["h", 3_600],
  ["d", 86_400],
  ["w", 604_800],
]);
const DURATION = /^(\d{1,9})([smhdw])$/;
const MAX_TTL_SECONDS = 100 * 365 * 86_400;

/** When a credential ends: after a time, at a moment, or never. */
export type Ttl = { afterSeconds: number } | { at: string } | "never";

/**
 * Parses `30d`, `12h`, `never` or an RFC 3339 time with a zone.
 *
 * @throws {McpctlError} `invalid`
 */
export function parseTtl(text: string): Ttl {
  if (text === "never") return "never";
  const [, count, unit = ""] = DURATION.exec(text) ?? [];
  const unitSeconds = SECONDS.get(unit);
  if (count !== undefined && unitSeconds !== undefined) {
    const afterSeconds = Number(count) * unitSeconds;
    if (afterSeconds < 1 || afterSeconds > MAX_TTL_SECONDS) throw invalidTtl(text, "must lie between 1s and 100 years");
    return { afterSeconds };
  }
  const isMoment = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/.test(text);
  const moment = Date.parse(text);
  if (!isMoment || Number.isNaN(moment)) throw invalidTtl(text, "is neither a duration, a time nor never");
  return { at: new Date(moment).toISOString() };
}

function invalidTtl(text: string, why: string): McpctlError {
  return new McpctlError("invalid", `TTL "${text}" ${why}`, {
    hint: "Write for example 30d, 12h, 2027-01-31T00:00:00Z or never",
    fields: [{ path: "spec.ttl", message: why }],
  });
}
