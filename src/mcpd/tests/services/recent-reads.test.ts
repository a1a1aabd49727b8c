import { describe, expect, it } from "vitest";
import { createRecentReads } from "../../src/services/recent-reads.ts";

function createRig() {
  let commit: () => void = () => {};
  let time = 0;
  let stored = "old";
  let loads = 0;
  const reads = createRecentReads(
    {
      onCommit(listener) {
        commit = listener;
        return () => {};
      },
    },
    () => time,
  );
  const load = async () => {
    loads += 1;
    return stored;
  };
  return {
    read: (key = "a") => reads.read(key, load),
    /** Stores without a word, as a replica does whose announcement is on its way. */
    store: (value: string) => void (stored = value),
    commit: () => commit(),
    wait: (milliseconds: number) => void (time += milliseconds),
    fail: () => reads.read("b", () => Promise.reject(new Error("gone"))),
    loads: () => loads,
  };
}

describe("recent reads", () => {
  it("ask the database once for those who ask together, and for a while after", async () => {
    const { read, loads } = createRig();
    expect(await Promise.all([read(), read(), read()])).toEqual(["old", "old", "old"]);
    expect(await read()).toBe("old");
    expect(loads()).toBe(1);
  });

  it("are made anew after a commit", async () => {
    const { read, store, commit } = createRig();
    await read();
    store("new");
    commit();
    expect(await read()).toBe("new");
  });

  it("are not kept when a commit overtakes them", async () => {
    const { read, store, commit } = createRig();
    const before = read();
    store("new");
    commit();
    expect(await before).toBe("old");
    expect(await read()).toBe("new");
  });

  it("are made anew after a second, since time alone ends what expires", async () => {
    const { read, store, wait } = createRig();
    await read();
    store("new");
    wait(999);
    expect(await read()).toBe("old");
    wait(1);
    expect(await read()).toBe("new");
  });

  it("keep no failure", async () => {
    const { fail } = createRig();
    await expect(fail()).rejects.toThrow("gone");
    await expect(fail()).rejects.toThrow("gone");
  });

  it("tell keys apart", async () => {
    const { read, loads } = createRig();
    await read("a");
    await read("b");
    expect(loads()).toBe(2);
  });
});
