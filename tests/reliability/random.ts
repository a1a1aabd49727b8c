/** Numbers that are the same again for the same seed. */
export interface Random {
  /** Both ends included. */
  int(from: number, to: number): number;
  /** @throws when there is none. */
  pick<T>(items: readonly T[]): T;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** Lower-case hexadecimal digits. */
  hex(length: number): string;
  /** A sequence of its own: how much others draw does not change what it yields. */
  fork(name: string): Random;
}

export function createRandom(seed: string): Random {
  let state = hash(seed);
  /** Mulberry32. */
  function next(): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const int = (from: number, to: number) => from + Math.floor(next() * (to - from + 1));
  return {
    int,
    pick(items) {
      const [picked] = items.slice(int(0, items.length - 1));
      if (picked === undefined) throw new Error("There is nothing to pick from");
      return picked;
    },
    chance: (probability) => next() < probability,
    hex: (length) => Array.from({ length }, () => int(0, 15).toString(16)).join(""),
    fork: (name) => createRandom(`${seed}/${name}`),
  };
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193);
  return value;
}

const SEED_VARIABLE = "MCPCTL_RELIABILITY_SEED";

/** The seed of MCPCTL_RELIABILITY_SEED, or a new one. Prints it at once, so that no failure can hide it. */
export function announceSeed(file: string): string {
  const seed = process.env[SEED_VARIABLE] ?? String(Math.floor(Math.random() * 1e9));
  process.stdout.write(`seed ${seed}; repeat with: ${SEED_VARIABLE}=${seed} npx pnpm@12 test:slow ${file}\n`);
  return seed;
}
