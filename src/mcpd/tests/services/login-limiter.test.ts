import { McpctlError } from "@mcpctl/shared/errors.ts";
import { describe, expect, it } from "vitest";
import { createLoginLimiter } from "../../src/services/login-limiter.ts";

function createRig() {
  let now = 0;
  const limiter = createLoginLimiter(() => now);
  const attempt = (user: string | undefined, address: string, isRight: boolean) =>
    limiter.run({ user, address }, async () => {
      if (!isRight) throw new McpctlError("unauthenticated", "Wrong user or password");
      return "in";
    });
  return {
    pass: (seconds: number) => (now += seconds * 1_000),
    succeed: (user: string | undefined, address: string) => attempt(user, address, true),
    /** @returns the seconds that it must wait; 0 for an attempt that was made, and failed. */
    async fail(user: string | undefined, address: string): Promise<number> {
      const error: unknown = await attempt(user, address, false).catch((thrown: unknown) => thrown);
      if (!(error instanceof McpctlError)) throw error;
      return error.code === "unauthenticated" ? 0 : (error.retryAfterSeconds ?? NaN);
    },
    async failTimes(times: number, user: string, addressOf: (at: number) => string) {
      for (let at = 0; at < times; at++) await this.fail(user, addressOf(at));
    },
  };
}

describe("the limiter of logins", () => {
  it("lets ten mistakes pass, then makes each wait twice as long, up to five minutes", async () => {
    const rig = createRig();
    await rig.failTimes(10, "ada", () => "192.0.2.1");
    const waits: number[] = [];
    for (let round = 0; round < 11; round++) {
      waits.push(await rig.fail("ada", "192.0.2.1"));
      rig.pass(waits.at(-1) ?? 0);
      expect(await rig.fail("ada", "192.0.2.1")).toBe(0);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  });

  it("keeps the right password out too while it waits, and forgets everything once it is right", async () => {
    const rig = createRig();
    await rig.failTimes(10, "ada", () => "192.0.2.1");
    await expect(rig.succeed("ada", "192.0.2.1")).rejects.toMatchObject({ code: "too-many-requests" });
    rig.pass(1);
    expect(await rig.succeed("ada", "192.0.2.1")).toBe("in");
    await rig.failTimes(9, "ada", () => "192.0.2.1");
    expect(await rig.succeed("ada", "192.0.2.1")).toBe("in");
  });

  it("counts attempts that are under way, so that many at once gain nothing", async () => {
    const rig = createRig();
    const waits = await Promise.all(Array.from({ length: 50 }, () => rig.fail("ada", "192.0.2.1")));
    expect(waits.filter((seconds) => seconds === 0)).toHaveLength(10);
  });

  it("never makes a user wait for long at another place, and not at all where the user has logged in before", async () => {
    const rig = createRig();
    await rig.succeed("ada", "198.51.100.7");
    await rig.failTimes(110, "ada", (at) => `192.0.2.${at}`);
    expect(await rig.succeed("ada", "198.51.100.7")).toBe("in");
    await expect(rig.succeed("ada", "203.0.113.9")).rejects.toMatchObject({ retryAfterSeconds: 1 });
    for (let round = 0; round < 20; round++) {
      rig.pass(5);
      await rig.fail("ada", `192.0.2.${200 + round}`);
    }
    rig.pass(5);
    expect(await rig.succeed("ada", "203.0.113.9")).toBe("in");
  });

  it("slows down one place that tries many names, and counts an IPv6 network as one place", async () => {
    const rig = createRig();
    for (let at = 0; at < 50; at++) await rig.fail(`user-${at}`, `2001:db8:1:2::${at}`);
    expect(await rig.fail("another", "2001:db8:1:2:ffff::1")).toBe(1);
    expect(await rig.fail("another", "2001:db8:1:3::1")).toBe(0);
    expect(await rig.fail("another", "::ffff:192.0.2.1")).toBe(0);
  });

  it("does not count what failed for another reason", async () => {
    const rig = createRig();
    const limiter = createLoginLimiter();
    const broken = () => Promise.reject(new McpctlError("database-unavailable", "The database does not answer"));
    for (let at = 0; at < 30; at++) {
      await expect(limiter.run({ user: "ada", address: "192.0.2.1" }, broken)).rejects.toMatchObject({
        code: "database-unavailable",
      });
    }
    expect(await rig.succeed("ada", "192.0.2.1")).toBe("in");
  });

  it("keeps a bounded number of keys in memory", async () => {
    const rig = createRig();
    await rig.failTimes(10, "ada", () => "192.0.2.1");
    for (let at = 0; at < 20_001; at++) await rig.fail(`eve-${at}`, `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`);
    expect(await rig.fail("ada", "192.0.2.1")).toBe(0);
  });
});
