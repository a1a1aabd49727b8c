import { withoutSecrets } from "@mcpctl/shared/redact.ts";

const MAX_VALUES = 10_000;

/** Values that this process has seen, so that they can be taken out of what it says. */
export interface KnownSecrets {
  add(values: Iterable<string>): void;
  /** @returns the text without them, whether they stand in it as they are or as JSON writes them. */
  scrub(text: string): string;
}

export function createKnownSecrets(): KnownSecrets {
  const forms = new Set<string>();
  return {
    add(values) {
      for (const value of values) for (const form of [value, JSON.stringify(value).slice(1, -1)]) forms.add(form);
      for (const oldest of forms) {
        if (forms.size <= MAX_VALUES) return;
        forms.delete(oldest);
      }
    },
    scrub: (text) => withoutSecrets(text, forms),
  };
}
