import type { Row } from "../../measure/rows.ts";
import { interleave, type Suite } from "../suite.ts";

/** One size of what grows, reached through one target. */
export interface Point {
  size: number;
  target: string;
  measure(seconds: number): Promise<Row["values"]>;
}

interface Dimension {
  /** What grows. */
  name: string;
  /** Starts what all points need. `progress` says what takes long. */
  start(cleanup: AsyncDisposableStack, progress: (text: string) => void): Promise<Point[]>;
}

/** Measures the sizes of a dimension in alternating order; the case of a row is the size. */
export function defineDimension({ name, start }: Dimension): Suite {
  const suite = `growth-${name}`;
  return {
    name: suite,
    async run({ rounds, seconds, progress }) {
      await using cleanup = new AsyncDisposableStack();
      const rows: Row[] = [];
      const points = await start(cleanup, (text) => progress(`${suite}: ${text}`));
      await interleave(points, rounds, async ({ size, target, measure }, round) => {
        progress(`${suite}: round ${round}, ${size} (${target})`);
        rows.push({ suite, case: String(size), target, round, values: await measure(seconds) });
      });
      return rows;
    },
  };
}
