import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPostgres } from "../support/postgres.ts";
import { type Body, type Rest, startRest } from "../support/rest.ts";

const CLIENTS = 64;
const APPLIES = 3;
/** Longer pauses as a client loses more often, so that the burst comes to an end. */
const PAUSE_MS = 50;
const MAX_PAUSE_MS = 8_000;

const postgres = await startPostgres();
afterAll(() => postgres[Symbol.asyncDispose]());

describe.each([
  ["PostgreSQL", () => postgres.createDatabase()],
  ["PGlite", async () => undefined],
])("a burst of 64 clients on one object on %s", (engine, createDatabase) => {
  let rest: Rest;
  beforeAll(async () => {
    rest = await startRest(await createDatabase());
  });
  afterAll(() => rest?.[Symbol.asyncDispose]());

  const everybody = <T>(work: (client: number) => Promise<T>) =>
    Promise.all(Array.from({ length: CLIENTS }, (_, client) => work(client)));
  const counter = (name: string, count: number) => ({
    kind: "User",
    metadata: { name },
    spec: { displayName: String(count) },
  });

  async function read(path: string): Promise<{ body: Body; etag: string }> {
    const { status, body, headers } = await rest.send("GET", path);
    expect(status).toBe(200);
    return { body, etag: headers.get("etag") ?? "" };
  }

  /** @returns how often somebody else was faster. */
  async function increment(path: string): Promise<number> {
    for (let lost = 0; ; lost++) {
      const { body, etag } = await read(path);
      const next = { ...body, spec: { ...body["spec"], displayName: String(Number(body["spec"].displayName) + 1) } };
      const { status, body: answer } = await rest.send("PUT", path, next, { headers: { "if-match": etag } });
      if (status === 200) return lost;
      expect(answer).toMatchObject({ status: 409, code: "conflict" });
      await sleep(Math.random() * Math.min(MAX_PAUSE_MS, PAUSE_MS * 2 ** lost));
    }
  }

  it("loses no increment that reads, writes with If-Match, and tries again after a conflict", async () => {
    const path = "/api/v1/users/counter";
    expect((await rest.send("POST", "/api/v1/users", counter("counter", 0))).status).toBe(201);
    const lost = await everybody(() => increment(path));
    const { spec, metadata } = (await read(path)).body as { spec: Body; metadata: Body };
    expect(spec["displayName"]).toBe(String(lost.length));
    expect(metadata["generation"]).toBe(1 + lost.length);
    const conflicts = lost.reduce((sum, each) => sum + each, 0);
    expect(conflicts).toBeGreaterThan(0);
    process.stdout.write(
      `${engine}: ${CLIENTS} clients, ${lost.length} acknowledged increments, 0 lost, ${conflicts} conflicts\n`,
    );
  });

  it("lets one of them win when all write to the same version", async () => {
    expect((await rest.send("POST", "/api/v1/users", counter("prize", 0))).status).toBe(201);
    const { etag } = await read("/api/v1/users/prize");
    const answers = await everybody((client) =>
      rest.send("PUT", "/api/v1/users/prize", counter("prize", 1 + client), { headers: { "if-match": etag } }),
    );
    const winners = answers.flatMap(({ status }, client) => (status === 200 ? [client] : []));
    expect(winners).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(CLIENTS - 1);
    const { spec, metadata } = (await read("/api/v1/users/prize")).body as { spec: Body; metadata: Body };
    expect(spec["displayName"]).toBe(String(1 + (winners[0] ?? 0)));
    expect(metadata["generation"]).toBe(2);
  });

  it("loses no field of any manager that applies its own, from the creation on", async () => {
    const path = "/api/v1/groups/shared";
    const manifest = (client: number, round: number) => ({
      kind: "Group",
      metadata: { name: "shared", annotations: { [`of-${client}`]: String(round) } },
      spec: { members: [`member-${client}-${round}`] },
    });
    const results = await everybody(async (client) => {
      const told: (string | null)[] = [];
      for (let round = 1; round <= APPLIES; round++) {
        const answer = await rest.send("PATCH", `${path}?fieldManager=applier-${client}`, manifest(client, round));
        told.push(answer.headers.get("mcpctl-result"));
      }
      return told;
    });
    expect(results.flat().filter((result) => result === "created")).toHaveLength(1);
    expect(results.flat().filter((result) => result === "configured")).toHaveLength(CLIENTS * APPLIES - 1);

    const { spec, metadata } = (await read(path)).body as { spec: Body; metadata: Body };
    const clients = Array.from({ length: CLIENTS }, (_, client) => client);
    const last = clients.map((client) => [`of-${client}`, String(APPLIES)]);
    expect(metadata["annotations"]).toEqual(Object.fromEntries(last));
    expect((spec["members"] as string[]).toSorted()).toEqual(
      clients.map((client) => `member-${client}-${APPLIES}`).toSorted(),
    );
    const owners = (metadata["managedFields"] as { manager: string }[]).map(({ manager }) => manager);
    expect(owners.toSorted()).toEqual(clients.map((client) => `applier-${client}`).toSorted());
  });
});
