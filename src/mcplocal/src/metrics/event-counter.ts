import { Counter, type Registry } from "prom-client";

interface EventCounterOptions {
  name: string;
  help: string;
  labelNames: readonly [string] | readonly [string, string];
}

/**
 * A counter with one label or two. Every call passes through two of them, so counting is two look-ups where the library's own
 * sorts and hashes labels; it is put into the library's form at a scrape.
 */
export function createEventCounter(registry: Registry, { name, help, labelNames }: EventCounterOptions) {
  const counts = new Map<string, Map<string, number>>();
  const [first, second] = labelNames;
  new Counter({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    collect() {
      this.reset();
      for (const [value, others] of counts)
        for (const [other, count] of others) {
          this.inc({ [first]: value, ...(second !== undefined && { [second]: other }) }, count);
        }
    },
  });
  return function count(value: string, other = ""): void {
    const others = counts.get(value) ?? new Map<string, number>();
    if (others.size === 0) counts.set(value, others);
    others.set(other, (others.get(other) ?? 0) + 1);
  };
}
