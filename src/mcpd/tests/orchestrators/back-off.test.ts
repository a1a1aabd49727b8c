import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createBackOff } from "../../src/orchestrators/back-off.ts";
import { createStartSlots } from "../../src/orchestrators/start-slots.ts";

describe("createBackOff", () => {
  const withoutJitter = () => createBackOff(() => 0.5);

  it("lets a server that had been running start again at once, the first time", () => {
    const backOff = withoutJitter();
    expect([true, true, true, false, true].map((wasRunning) => backOff.next(wasRunning))).toEqual([0, 1, 2, 4, 8]);
  });

  it("makes a server that never ran wait from the first time", () => {
    const backOff = withoutJitter();
    expect([false, false, false].map((wasRunning) => backOff.next(wasRunning))).toEqual([1, 2, 4]);
  });

  it("ends at five minutes, however long it lasts", () => {
    const backOff = withoutJitter();
    const seconds = Array.from({ length: 5_000 }, () => backOff.next(false));
    expect(seconds.slice(7, 10)).toEqual([128, 256, 300]);
    expect(seconds.at(-1)).toBe(300);
  });

  it("spreads by a fifth either way", () => {
    expect(createBackOff(() => 0).next(false)).toBeCloseTo(0.8);
    expect(createBackOff(() => 0.9999).next(false)).toBeCloseTo(1.2);
  });

  it("begins anew after a reset", () => {
    const backOff = withoutJitter();
    [true, true, true].forEach((wasRunning) => backOff.next(wasRunning));
    backOff.reset();
    expect([true, true].map((wasRunning) => backOff.next(wasRunning))).toEqual([0, 1]);
  });
});

describe("createStartSlots", () => {
  const signal = new AbortController().signal;

  it("holds back what is too much until a slot is free", async () => {
    const slots = createStartSlots(2, 60_000);
    const [first, second] = [await slots.take(signal), await slots.take(signal)];
    let isThird = false;
    const third = slots.take(signal).then((release) => {
      isThird = true;
      return release;
    });
    await sleep(10);
    expect(isThird).toBe(false);
    first?.();
    first?.();
    const release = await third;
    expect(isThird).toBe(true);
    second?.();
    release?.();
  });

  it("takes a slot away from a start that hangs", async () => {
    const slots = createStartSlots(1, 30);
    const first = await slots.take(signal);
    const second = await slots.take(signal);
    first?.();
    second?.();
    expect(second).toBeTypeOf("function");
  });

  it("lets go of who does not want to wait any more", async () => {
    const slots = createStartSlots(1, 60_000);
    const first = await slots.take(signal);
    const abort = new AbortController();
    const waiting = slots.take(abort.signal);
    abort.abort();
    expect(await waiting).toBeUndefined();
    first?.();
    expect(await slots.take(signal).then((release) => (release?.(), release))).toBeTypeOf("function");
  });
});
