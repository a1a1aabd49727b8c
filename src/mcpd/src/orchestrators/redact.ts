/** Values shorter than this stay: they are hardly secrets, and half of every text would go with them. */
const MIN_SECRET_LENGTH = 6;

/** Takes secrets out of what a server printed. */
export function withoutSecrets(text: string, secretValues: readonly string[] = []): string {
  const secrets = secretValues.filter((value) => value.length >= MIN_SECRET_LENGTH);
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), text);
}
