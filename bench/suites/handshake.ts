import { HttpConnection } from "../load/http-connection.ts";
import { type Endpoint, isResult, nextId, prepareDelete, prepareRequest } from "../load/mcp-requests.ts";
import type { Row } from "../measure/rows.ts";
import { startTargets } from "../targets/all.ts";
import { openSession } from "../targets/session.ts";
import { interleave, type Suite } from "./suite.ts";

const IN_FLIGHT = 1;

/** How often a client can begin: `initialize`, `notifications/initialized` and the end; or `server/discover`. */
export const handshake: Suite = {
  name: "handshake",
  async run({ rounds, seconds, progress }) {
    await using targets = await startTargets();
    const rows: Row[] = [];
    for (const era of ["modern", "legacy"] as const) {
      progress(`handshake: ${era}`);
      await interleave(targets.all, rounds, async (target, round) => {
        const endpoint = { ...target.endpointOf(era), sessionId: undefined };
        const perSecond = era === "modern" ? await discover(endpoint, seconds) : await initialize(endpoint, seconds);
        const values = { handshakesPerSecond: perSecond };
        rows.push({ suite: "handshake", case: `${era} x${IN_FLIGHT}`, target: target.name, round, values });
      });
    }
    return rows;
  },
};

async function discover(endpoint: Endpoint, seconds: number): Promise<number> {
  const request = prepareRequest(endpoint, { method: "server/discover" });
  const connection = await HttpConnection.open(endpoint.port);
  const count = await repeat(seconds, async () => {
    const id = nextId();
    const { body } = await connection.exchange(request(id));
    if (!isResult(body, id)) throw new Error(`server/discover failed: ${body.toString()}`);
  });
  connection.close();
  return count;
}

async function initialize(endpoint: Endpoint, seconds: number): Promise<number> {
  const connection = await HttpConnection.open(endpoint.port);
  const count = await repeat(seconds, async () => {
    const opened = await openSession(endpoint, connection);
    if (opened.sessionId !== undefined) await connection.exchange(prepareDelete(opened));
  });
  connection.close();
  return count;
}

/** @returns how often it was done in a second. */
async function repeat(seconds: number, work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  let count = 0;
  while (performance.now() - startedAt < seconds * 1_000) {
    await work();
    count += 1;
  }
  return count / ((performance.now() - startedAt) / 1_000);
}
