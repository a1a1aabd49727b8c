import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Json, modern, send, type WireAnswer } from "../../src/mcplocal/tests/support/wire.ts";
import { EVIL_MODES, type EvilModeName } from "../fixtures/evil-http-modes.ts";
import { startModernServer } from "../fixtures/http-modern-server.ts";
import { built, type Running, start } from "../support/programs.ts";
import { type Rest, startRest } from "../support/rest.ts";

const FIXTURE = join(import.meta.dirname, "..", "fixtures", "evil-http-server.ts");
const MAX_GROWTH_BYTES = 100 * 1_048_576;
const CALLS_AT_ONCE = 20;
const TIMEOUT_SECONDS = 3;
const ATTEMPTS = 3;
const FLOOR_MS = 100;

/** Code of the condition that keeps a server's tools out of the list. */
const OUT_OF_THE_LIST: Partial<Record<EvilModeName, string>> = {
  "silent-at-discover": "upstream-timeout",
  "silent-at-list": "upstream-timeout",
  "garbage-at-discover": "upstream-protocol",
  "garbage-at-list": "upstream-protocol",
  "breaks-off-at-list": "upstream-unavailable",
  "huge-body-at-discover": "upstream-protocol",
  "huge-body-at-list": "upstream-protocol",
  "huge-line-at-list": "upstream-protocol",
  "deep-at-list": "upstream-protocol",
  "notices-at-discover": "upstream-protocol",
  "notices-at-list": "upstream-protocol",
  "padding-at-list": "upstream-protocol",
  "foreign-id-at-list": "upstream-protocol",
  "many-tools": "upstream-protocol",
  "cyclic-cursor": "upstream-protocol",
  "endless-pages": "upstream-protocol",
  "endless-large-pages": "upstream-protocol",
};

/** Whichever bound such an answer meets first. */
const TOO_MUCH = ["upstream-protocol", "upstream-timeout", "too-many-requests"];

/** Codes of the errors that calls end with; absent where they succeed. */
const FAILED_CALL: Partial<Record<EvilModeName, readonly (string | undefined)[]>> = {
  "silent-in-call": ["upstream-timeout"],
  "garbage-in-call": ["upstream-protocol"],
  "breaks-off-in-call": ["upstream-unavailable"],
  "huge-body-in-call": TOO_MUCH,
  "huge-line-in-call": TOO_MUCH,
  "notices-in-call": ["upstream-protocol"],
  "padding-in-call": TOO_MUCH,
  "comments-in-call": TOO_MUCH,
  "slow-bytes-in-call": ["upstream-timeout"],
  "slow-event-in-call": ["upstream-timeout"],
  "questions-in-call": [undefined, "upstream-protocol"],
  "foreign-id-in-call": ["upstream-protocol"],
};

describe("servers over HTTP that do wrong", () => {
  const cleanup = new AsyncDisposableStack();
  let rest: Rest;
  let gateway: Running;
  let url: string;
  let evil: Running;
  let evilUrl: string;
  let rssAtFirst: number;

  beforeAll(async () => {
    rest = cleanup.use(await startRest(undefined));
    const good = await startModernServer();
    cleanup.defer(() => good.close());
    await declare("good", { url: good.url });
    evil = cleanup.use(start(FIXTURE, []));
    evilUrl = await evil.line(() => true);
    // With a credential of its own it goes to the servers itself, instead of through mcpd's relay.
    const edge = { kind: "Gateway", metadata: { name: "edge" }, spec: {} };
    const credential = String((await rest.send("POST", "/api/v1/gateways", edge)).body["token"]);
    const args = ["--listen", "127.0.0.1:0", "--mcpd-url", rest.url];
    gateway = cleanup.use(start(built("mcplocal-serve"), args, { MCPLOCAL_CREDENTIAL: credential }));
    const said = await gateway.line((line) => line.includes("http://"));
    [url = ""] = /http:\/\/[^\s/"]+/.exec(said) ?? [];
    await warmUp();
    rssAtFirst = await rssOf(gateway.pid);
  }, 120_000);
  afterAll(() => cleanup.disposeAsync());

  async function declare(name: string, spec: object): Promise<void> {
    const { status } = await rest.send("POST", "/api/v1/servers", { kind: "Server", metadata: { name }, spec });
    expect(status).toBe(201);
  }

  /** @returns a token of a project with the healthy server and those. */
  async function openProject(name: string, servers: readonly string[]): Promise<string> {
    const project = { kind: "Project", metadata: { name }, spec: { servers: ["good", ...servers] } };
    expect((await rest.send("POST", "/api/v1/projects", project)).status).toBe(201);
    const wanted = { kind: "McpToken", metadata: { name: "agent", project: name }, spec: {} };
    return String((await rest.send("POST", "/api/v1/mcptokens", wanted)).body["token"]);
  }

  function call(token: string, name: string, args: Json = {}): Promise<WireAnswer> {
    return send(url, { ...modern("tools/call", { name, arguments: args }), token });
  }

  async function callGood(token: string): Promise<number> {
    const startedAt = performance.now();
    const { json } = await call(token, "good__echo", { message: "hello" });
    expect(json.result?.content?.[0]?.text).toBe("hello");
    return performance.now() - startedAt;
  }

  /** Until the heap has the size that ordinary work gives it. */
  async function warmUp(): Promise<void> {
    const token = await openProject("warm", []);
    await vi.waitFor(() => callGood(token), { timeout: 20_000 });
    for (let count = 0; count < 100; count += 1) {
      await Promise.all(Array.from({ length: CALLS_AT_ONCE }, () => callGood(token)));
    }
  }

  /** Latencies of the healthy server's calls, for as long as asked. */
  async function measure(token: string, milliseconds: number): Promise<number[]> {
    const latencies: number[] = [];
    const end = performance.now() + milliseconds;
    while (performance.now() < end) latencies.push(await callGood(token));
    return latencies;
  }

  async function expectListed(token: string, name: string, mode: EvilModeName): Promise<void> {
    const { json } = await send(url, { ...modern("tools/list"), token });
    const names: string[] = json.result.tools.map((tool: Json) => tool.name);
    const conditions: Json[] = json.result._meta?.["mcpctl.io/conditions"] ?? [];
    expect(names).toContain("good__echo");
    expect(conditions.map(({ server, code }) => ({ server, code }))).toEqual(
      OUT_OF_THE_LIST[mode] === undefined ? [] : [{ server: name, code: OUT_OF_THE_LIST[mode] }],
    );
    expect(names.includes(`${name}__hit`)).toBe(OUT_OF_THE_LIST[mode] === undefined);
  }

  /** @returns 99th percentiles of the healthy server's calls: alone, and beside calls of the other one. */
  async function compare(token: string, name: string, mode: EvilModeName): Promise<{ alone: number; beside: number }> {
    const alone = percentile(await measure(token, 500), 0.99);
    const calls = Promise.all(Array.from({ length: CALLS_AT_ONCE }, () => call(token, `${name}__hit`)));
    const beside = percentile(await measure(token, 1_000), 0.99);
    const codes = new Set((await calls).map(({ json }) => json.error?.data?.code));
    const expected = OUT_OF_THE_LIST[mode] === undefined ? (FAILED_CALL[mode] ?? [undefined]) : ["not-found"];
    expect([...codes].filter((code) => !expected.includes(code))).toEqual([]);
    return { alone, beside };
  }

  it.each(Object.keys(EVIL_MODES) as EvilModeName[])(
    "%s",
    async (mode) => {
      const name = `evil-${mode}`;
      const before = await rssOf(gateway.pid);
      const watch = watchRss(gateway.pid);
      await declare(name, { url: `${evilUrl}/${mode}/mcp`, timeoutSeconds: TIMEOUT_SECONDS });
      const token = await openProject(name, [name]);
      await vi.waitFor(() => expectListed(token, name, mode), { timeout: 25_000, interval: 200 });
      let compared = await compare(token, name, mode);
      for (let attempt = 1; attempt < ATTEMPTS && isSlowed(compared); attempt += 1) {
        compared = await compare(token, name, mode);
      }
      const growth = (await watch.stop()) - before;
      expect((await rest.send("DELETE", `/api/v1/projects/${name}`)).status).toBeLessThan(300);
      expect(growth).toBeLessThan(MAX_GROWTH_BYTES);
      expect(compared).toSatisfy((found: typeof compared) => !isSlowed(found));
    },
    90_000,
  );

  it("all together", async () => {
    expect((await rssOf(gateway.pid)) - rssAtFirst).toBeLessThan(3 * MAX_GROWTH_BYTES);
  });
});

/** Below the floor a hiccup of the machine decides. */
function isSlowed({ alone, beside }: { alone: number; beside: number }): boolean {
  return beside > Math.max(2 * alone, FLOOR_MS);
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

async function rssOf(pid: number): Promise<number> {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) * 1_024;
}

function watchRss(pid: number): { stop(): Promise<number> } {
  let peak = 0;
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      peak = Math.max(peak, await rssOf(pid));
      await sleep(50);
    }
  })();
  return {
    async stop() {
      isOver = true;
      await watching;
      return peak;
    },
  };
}
