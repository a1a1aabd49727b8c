import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createDueBatches } from "../../src/reconcilers/due-batches.ts";

function recordBatches(limits: { pauseMs: number; togetherMs: number; maxAtOnce: number }) {
  const worked: string[][] = [];
  const batches = createDueBatches(async (names) => void worked.push([...names]), limits);
  return { worked, batches };
}

describe("due batches", () => {
  it("work together on what is due within a moment, and on the rest later", async () => {
    const { worked, batches } = recordBatches({ pauseMs: 5, togetherMs: 50, maxAtOnce: 10 });
    batches.scheduleIn("a", 5);
    batches.scheduleIn("b", 20);
    batches.scheduleIn("c", 200);
    await sleep(100);
    expect(worked).toEqual([["a", "b"]]);
    await sleep(200);
    expect(worked).toEqual([["a", "b"], ["c"]]);
  });

  it("let the earlier of two dates hold, and work once", async () => {
    const { worked, batches } = recordBatches({ pauseMs: 1, togetherMs: 1, maxAtOnce: 10 });
    batches.scheduleIn("a", 60_000);
    batches.scheduleIn("a", 5);
    batches.scheduleIn("a", 30_000);
    await sleep(60);
    expect(worked).toEqual([["a"]]);
  });

  it("take no more at once than they may, and leave nothing out", async () => {
    const { worked, batches } = recordBatches({ pauseMs: 5, togetherMs: 50, maxAtOnce: 2 });
    for (const name of ["a", "b", "c", "d", "e"]) batches.scheduleIn(name, 1);
    await sleep(150);
    expect(worked).toEqual([["a", "b"], ["c", "d"], ["e"]]);
  });

  it("wait for other work that is under way", async () => {
    const { worked, batches } = recordBatches({ pauseMs: 1, togetherMs: 1, maxAtOnce: 10 });
    const other = Promise.withResolvers<void>();
    batches.scheduleIn("a", 5);
    const occupied = batches.occupy(other.promise);
    await sleep(50);
    expect(worked).toEqual([]);
    other.resolve();
    await occupied;
    await sleep(50);
    expect(worked).toEqual([["a"]]);
  });

  it("forget what is due when they are closed, once what is under way is done", async () => {
    const { worked, batches } = recordBatches({ pauseMs: 1, togetherMs: 1, maxAtOnce: 10 });
    batches.scheduleIn("a", 5);
    await batches.close();
    batches.scheduleIn("b", 5);
    await sleep(50);
    expect(worked).toEqual([]);
  });
});
