import type { Introspection } from "@mcpctl/shared/api/contracts.ts";
import { generateToken } from "@mcpctl/shared/tokens/index.ts";
import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createAuthenticator } from "../../src/auth/authenticator.ts";
import type { Caller } from "../../src/auth/principal.ts";

const { raw, sha } = generateToken();
const HEADER = `Bearer ${raw}`;
const ACTIVE: Introspection = { active: true, name: "agent", project: "demo", sha, creator: "ada" };

/** An authenticator on a clock of its own, in front of an mcpd that a test turns off and on. */
function setUp({ graceSeconds = 30 } = {}) {
  let nowMs = 1_000_000;
  let answer: Introspection | "silent" = ACTIVE;
  let asked = 0;
  const lost: Caller[] = [];
  const authenticator = createAuthenticator({
    now: () => nowMs,
    graceSeconds,
    onCheckFailed: () => {},
    async introspect() {
      asked += 1;
      await setImmediate();
      if (answer === "silent") throw new Error("connect ECONNREFUSED");
      return answer;
    },
  });
  authenticator.onLost((caller) => lost.push(caller));
  /** What a request at this moment gets. */
  async function ask(header = HEADER): Promise<string> {
    try {
      return (authenticator.findCached(header) ?? (await authenticator.authenticate(header))).principal.name;
    } catch (thrown) {
      return (thrown as { code: string }).code;
    }
  }
  return {
    ask,
    lost,
    authenticator,
    asked: () => asked,
    answer: (next: Introspection | "silent") => void (answer = next),
    /** Lets time pass, and whatever runs in the background come to its end. */
    async pass(seconds: number) {
      nowMs += seconds * 1_000;
      await setImmediate();
      await setImmediate();
    },
  };
}

describe("createAuthenticator", () => {
  it("asks mcpd once and believes the answer for a second", async () => {
    const { ask, pass, asked } = setUp();
    expect(await ask()).toBe("agent");
    await pass(1);
    expect(await ask()).toBe("agent");
    expect(asked()).toBe(1);
  });

  it("asks again in the background after a second", async () => {
    const { ask, pass, asked, authenticator } = setUp();
    await ask();
    await pass(2);
    expect(authenticator.findCached(HEADER)?.principal.sha).toBe(sha);
    await pass(0);
    expect(asked()).toBe(2);
  });

  it("asks mcpd once for many callers at the same time", async () => {
    const { ask, asked } = setUp();
    expect(await Promise.all(Array.from({ length: 50 }, () => ask()))).toEqual(Array(50).fill("agent"));
    expect(asked()).toBe(1);
  });

  it("refuses a revoked token at the second request after a second, and tells who lost it", async () => {
    const { ask, pass, answer, lost } = setUp();
    await ask();
    answer({ active: false });
    await pass(1.5);
    expect(await ask()).toBe("agent");
    await pass(0);
    expect(await ask()).toBe("unauthenticated");
    expect(lost.map(({ principal }) => principal.sha)).toEqual([sha]);
  });

  it("never believes an answer that is older than 5 seconds", async () => {
    const { ask, pass, answer } = setUp();
    await ask();
    answer({ active: false });
    await pass(5.1);
    expect(await ask()).toBe("unauthenticated");
  });

  it("remembers for a second that a token is unknown", async () => {
    const { ask, pass, answer, asked } = setUp();
    answer({ active: false });
    expect(await ask()).toBe("unauthenticated");
    await pass(0.9);
    expect(await ask()).toBe("unauthenticated");
    expect(asked()).toBe(1);
    answer(ACTIVE);
    await pass(0.2);
    expect(await ask()).toBe("agent");
  });

  it("lets known tokens live through an outage of mcpd for the grace, then fails closed", async () => {
    const { ask, pass, answer } = setUp({ graceSeconds: 30 });
    await ask();
    answer("silent");
    for (let second = 2; second <= 30; second += 2) {
      await pass(2);
      expect(await ask(), `after ${second} s`).toBe("agent");
    }
    await pass(1);
    expect(await ask()).toBe("unavailable");
    answer(ACTIVE);
    await pass(2);
    expect(await ask()).toBe("agent");
  });

  it("fails closed after 5 seconds when there is no grace", async () => {
    const { ask, pass, answer } = setUp({ graceSeconds: 0 });
    await ask();
    answer("silent");
    await pass(4);
    expect(await ask()).toBe("agent");
    await pass(2);
    expect(await ask()).toBe("unavailable");
  });

  it("refuses a token that ended while mcpd was silent", async () => {
    const { ask, pass, answer } = setUp();
    answer({ ...ACTIVE, expiresAt: new Date(Date.now() - 1).toISOString() });
    expect(await ask()).toBe("agent");
    answer("silent");
    await pass(6);
    expect(await ask()).toBe("unavailable");
  });

  it("cannot say anything of an unknown token while mcpd is silent", async () => {
    const { ask, answer } = setUp();
    answer("silent");
    expect(await ask()).toBe("unavailable");
  });

  it("asks about so many unknown tokens at a time, and goes on confirming a known one", async () => {
    const pending = Promise.withResolvers<Introspection>();
    let nowMs = 0;
    let confirmed = 0;
    const authenticator = createAuthenticator({
      now: () => nowMs,
      graceSeconds: 30,
      onCheckFailed: () => {},
      introspect: (bearer) =>
        bearer === raw ? Promise.resolve(ACTIVE).finally(() => (confirmed += 1)) : pending.promise,
    });
    await authenticator.authenticate(HEADER);
    const unknown = () => authenticator.authenticate(`Bearer ${generateToken().raw}`);
    const asked = Array.from({ length: 256 }, unknown);
    await expect(unknown()).rejects.toMatchObject({ code: "unavailable", hint: "Try again in a moment" });
    nowMs = 6_000;
    expect((await authenticator.authenticate(HEADER)).principal.name).toBe("agent");
    expect(confirmed).toBe(2);
    pending.resolve({ active: false });
    for (const answer of await Promise.allSettled(asked)) expect(answer.status).toBe("rejected");
    await expect(unknown()).rejects.toMatchObject({ code: "unauthenticated" });
  });

  it("does not ask mcpd about what has not the shape of a token", async () => {
    const { ask, asked } = setUp();
    expect(await ask("Bearer guess")).toBe("unauthenticated");
    expect(asked()).toBe(0);
  });

  it("forgets the oldest of too many tokens and asks about it again", async () => {
    const { ask, asked } = setUp();
    await ask();
    for (let count = 0; count < 10_000; count += 1) await ask(`Bearer ${generateToken().raw}`);
    expect(asked()).toBe(10_001);
    await ask();
    expect(asked()).toBe(10_002);
  });
});

describe("an authenticator that has heard of a change", () => {
  it("believes nobody before a new check, and then as before", async () => {
    const { ask, authenticator, answer, asked, pass } = setUp();
    await ask();
    authenticator.doubtAll();
    expect(authenticator.findCached(HEADER)).toBeUndefined();
    expect(await ask()).toBe("agent");
    expect(asked()).toBe(2);
    expect(authenticator.findCached(HEADER)?.principal.name).toBe("agent");
    answer({ active: false });
    authenticator.doubtAll();
    expect(await ask()).toBe("unauthenticated");
    await pass(0);
    expect(asked()).toBe(3);
  });

  it("does not take the answer of a check for one that began before the change", async () => {
    const { ask, authenticator, answer, asked, pass } = setUp();
    await ask();
    await pass(2);
    // Begins a check in the background, whose answer says what was true before.
    expect(authenticator.findCached(HEADER)).toBeDefined();
    const refused = ask();
    authenticator.doubtAll();
    await pass(0);
    answer({ active: false });
    await refused;
    expect(await ask()).toBe("unauthenticated");
    expect(asked()).toBe(3);
  });

  it("goes on for the grace when mcpd has fallen silent since", async () => {
    const { ask, authenticator, answer, pass } = setUp();
    await ask();
    answer("silent");
    authenticator.doubtAll();
    expect(await ask()).toBe("agent");
    await pass(29);
    expect(await ask()).toBe("agent");
    await pass(2);
    expect(await ask()).toBe("unavailable");
  });

  it("asks at once about a token that it has just refused", async () => {
    const { ask, authenticator, answer } = setUp();
    answer({ active: false });
    expect(await ask()).toBe("unauthenticated");
    answer(ACTIVE);
    authenticator.doubtAll();
    expect(await ask()).toBe("agent");
  });
});
