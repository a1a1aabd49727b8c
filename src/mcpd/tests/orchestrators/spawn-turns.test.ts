import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createSpawnTurns } from "../../src/orchestrators/spawn-turns.ts";

function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

describe("turns to spawn", () => {
  it("let others have their turn between one spawn and the next", async () => {
    const spawnInTurn = createSpawnTurns();
    const happened: string[] = [];
    const spawns = ["first", "second"].map((name) =>
      spawnInTurn(() => {
        block(30);
        happened.push(name);
      }),
    );
    void sleep(1).then(() => happened.push("another"));
    await Promise.all(spawns);
    expect(happened).toEqual(["first", "another", "second"]);
  });

  it("tell a failure to whoever spawns, and go on", async () => {
    const spawnInTurn = createSpawnTurns();
    const failing = spawnInTurn(() => {
      throw new Error("no such program");
    });
    const next = spawnInTurn(() => "spawned");
    await expect(failing).rejects.toThrow("no such program");
    await expect(next).resolves.toBe("spawned");
  });
});
