/** Bearers of ours, wherever they turn up: redaction by path cannot see into messages. */
const BEARER = /mcpctl_[a-z]{2,8}_[0-9A-Za-z]{8,}/g;
/** Values shorter than this stay: they are hardly secrets, and half of every text would go with them. */
const MIN_SECRET_LENGTH = 6;

export function withoutBearers(text: string): string {
  return text.replaceAll(BEARER, "mcpctl_[redacted]");
}

/** Takes secrets, and bearers of ours, out of a text that somebody else made. */
export function withoutSecrets(text: string, secretValues: Iterable<string> = []): string {
  const secrets = [...secretValues].filter((value) => value.length >= MIN_SECRET_LENGTH);
  // The longest first: one may be part of another.
  secrets.sort((a, b) => b.length - a.length);
  return withoutBearers(secrets.reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), text));
}
