import type { Row } from "../measure/rows.ts";

export interface SuiteOptions {
  /** How often everything is measured, in alternating order. */
  rounds: number;
  /** How long each measurement takes. */
  seconds: number;
  /** Says what goes on, for a person who waits. */
  progress(text: string): void;
}

/** Measures one side of the product. */
export interface Suite {
  name: string;
  run(options: SuiteOptions): Promise<Row[]>;
}

/** Each round goes through the same things in the opposite order of the round before. */
export async function interleave<T>(
  things: readonly T[],
  rounds: number,
  measure: (thing: T, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 1; round <= rounds; round += 1) {
    const order = round % 2 === 1 ? things : things.toReversed();
    for (const thing of order) await measure(thing, round);
  }
}
