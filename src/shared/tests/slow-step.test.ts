import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { watchStep } from "../src/slow-step.ts";

async function watch(step: Promise<string>): Promise<{ said: string[]; result: string | Error }> {
  const said: string[] = [];
  const result = await watchStep("Opening", step, (what) => said.push(what)).catch((error: Error) => error);
  await sleep(1_100);
  return { said, result };
}

describe("watchStep", () => {
  it("says nothing of a step that is quick, not even later", async () => {
    expect(await watch(Promise.resolve("done"))).toEqual({ said: [], result: "done" });
  });

  it("tells once of a step that takes more than a second, and passes on its result", async () => {
    expect(await watch(sleep(1_500, "done"))).toEqual({ said: ["Opening"], result: "done" });
  });

  it("passes on the failure of a step", async () => {
    const failure = new Error("no room");
    expect(await watch(Promise.reject(failure))).toEqual({ said: [], result: failure });
  });
});
