import { describe, expect, it } from "vitest";
import { createTurns } from "../../src/repositories/turns.ts";

describe("turns", () => {
  it("are given in the order in which they were asked for, so many at once", async () => {
    const { take } = createTurns(2, 10_000);
    const given: number[] = [];
    const [first] = await Promise.all([take(), take()]);
    const later = [3, 4].map(async (number) => {
      const end = await take();
      given.push(number);
      end();
    });
    await Promise.resolve();
    expect(given).toEqual([]);
    first();
    await Promise.all(later);
    expect(given).toEqual([3, 4]);
  });

  it("count once, however often they are ended", async () => {
    const { take } = createTurns(1, 20);
    const end = await take();
    end();
    end();
    await take();
    await expect(take()).rejects.toMatchObject({ code: "database-unavailable" });
  });

  it("are not lost to those who gave up waiting", async () => {
    const { take } = createTurns(1, 20);
    const end = await take();
    await expect(take()).rejects.toMatchObject({ code: "database-unavailable", hint: expect.any(String) });
    end();
    await expect(take()).resolves.toBeTypeOf("function");
  });
});
