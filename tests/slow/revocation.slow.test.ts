import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { built, type Running, start } from "../support/programs.ts";
import { type Rest, startRest } from "../support/rest.ts";

const GATEWAYS = 3;
const TOKENS = 50;
const AT_A_TIME = 10;
/** Between two calls with the same token at the same gateway. */
const PAUSE_MS = 20;
const WATCHED_MS = 7_000;
const KEY = "io.modelcontextprotocol/";
const LIST = JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  method: "tools/list",
  params: { _meta: { [`${KEY}protocolVersion`]: "2026-07-28", [`${KEY}clientCapabilities`]: {} } },
});

/** 503 says that the token could not be checked: it is not accepted, and not refused for good. */
async function ask(gateway: string, token: string): Promise<200 | 401 | 503> {
  const response = await fetch(`${gateway}/mcp`, {
    method: "POST",
    body: LIST,
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/list",
    },
  });
  const body = await response.text();
  const { status } = response;
  if (status === 200 || status === 401 || status === 503) return status;
  throw new Error(`the gateway answered ${status}: ${body}`);
}

async function startGateway(rest: Rest): Promise<{ program: Running; url: string }> {
  const args = ["--listen", "127.0.0.1:0", "--mcpd-url", rest.url, "--log-level", "error"];
  const program = start(built("mcplocal-serve"), args);
  const line = await program.line((text) => text.includes("http://"));
  return { program, url: /http:\S+/.exec(line)?.[0] ?? "" };
}

async function mint(rest: Rest, name: string): Promise<string> {
  const manifest = { kind: "McpToken", metadata: { name, project: "p" }, spec: {} };
  return String((await rest.send("POST", "/api/v1/mcptokens", manifest)).body["token"]);
}

/** Calls on and on. @returns when the last call was accepted; monotonic milliseconds. */
async function callOn(gateway: string, token: string, until: { at: number }): Promise<number> {
  let acceptedAt = -Infinity;
  while (performance.now() < until.at) {
    const status = await ask(gateway, token);
    if (status === 200) acceptedAt = performance.now();
    if (status === 401 && until.at < Infinity) break;
    await sleep(PAUSE_MS);
  }
  return acceptedAt;
}

/** @returns milliseconds from the acknowledged revocation to the last accepted call, at any gateway. */
async function revokeOne(rest: Rest, gateways: readonly string[], name: string): Promise<number> {
  const token = await mint(rest, name);
  const until = { at: Infinity };
  const calling = gateways.map((gateway) => callOn(gateway, token, until));
  await sleep(1_500 + Math.random() * 1_000);
  await rest.send("POST", `/api/v1/mcptokens/${name}/revoke?project=p`);
  const revokedAt = performance.now();
  until.at = revokedAt + WATCHED_MS;
  const accepted = await Promise.all(calling);
  return Math.max(0, ...accepted.map((at) => at - revokedAt));
}

it("a revoked token is refused by every gateway within a second, and within five at worst", async () => {
  await using rest = await startRest(undefined);
  await rest.send("POST", "/api/v1/projects", { kind: "Project", metadata: { name: "p" }, spec: {} });
  await using cleanup = new AsyncDisposableStack();
  const gateways: string[] = [];
  for (let count = 0; count < GATEWAYS; count += 1) {
    const { program, url } = await startGateway(rest);
    cleanup.use(program);
    gateways.push(url);
  }
  const delays: number[] = [];
  for (let first = 0; first < TOKENS; first += AT_A_TIME) {
    const names = Array.from({ length: AT_A_TIME }, (_, at) => `t${first + at}`);
    delays.push(...(await Promise.all(names.map((name) => revokeOne(rest, gateways, name)))));
  }
  const sorted = delays.toSorted((a, b) => a - b);
  const [median = NaN, longest = NaN] = [sorted[TOKENS / 2], sorted.at(-1)];
  process.stdout.write(
    `revocation: ${GATEWAYS} gateways, ${TOKENS} tokens; last accepted call after ${Math.round(median)} ms ` +
      `(median), ${Math.round(longest)} ms (longest)\n`,
  );
  expect(delays).toHaveLength(TOKENS);
  expect(median).toBeLessThan(1_000);
  expect(longest).toBeLessThan(5_000);
}, 180_000);
