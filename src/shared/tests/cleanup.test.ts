import { expect, it } from "vitest";
import { Cleanup } from "../src/cleanup.ts";

it("undoes everything, newest first, also when a step fails, and throws the first failure", async () => {
  const done: string[] = [];
  const cleanup = new Cleanup();
  cleanup.use({ [Symbol.asyncDispose]: async () => void done.push("oldest") });
  cleanup.defer(() => Promise.reject(new Error("older failure")));
  cleanup.defer(() => {
    throw new Error("newest failure");
  });
  await expect(cleanup[Symbol.asyncDispose]()).rejects.toThrow("newest failure");
  expect(done).toEqual(["oldest"]);
  await cleanup[Symbol.asyncDispose]();
  expect(done).toEqual(["oldest"]);
});

it("moves its steps to a new owner", async () => {
  const done: string[] = [];
  const cleanup = new Cleanup();
  cleanup.defer(() => done.push("step"));
  const owner = cleanup.move();
  await cleanup[Symbol.asyncDispose]();
  expect(done).toEqual([]);
  await owner[Symbol.asyncDispose]();
  expect(done).toEqual(["step"]);
});
