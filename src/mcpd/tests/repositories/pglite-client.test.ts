import { afterEach, describe, expect, it } from "vitest";
import { PgliteClient } from "../../src/repositories/pglite-client.ts";

const clients: PgliteClient[] = [];
afterEach(() => Promise.all(clients.splice(0).map((client) => client.close())));

function start(workerUrl?: URL): PgliteClient {
  const client = new PgliteClient(
    { dataDir: undefined, preparedClusters: [], compileCacheDir: undefined, onInitializing: () => undefined },
    workerUrl,
  );
  clients.push(client);
  return client;
}

/** A thread that behaves like the real one up to the point that a test is about. */
function worker(program: string): URL {
  const source = `import { parentPort } from "node:worker_threads"; ${program}`;
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}

const lost = { code: "database-unavailable", hint: expect.any(String) };

describe("PgliteClient", () => {
  it("leaves the main thread free during a long query", async () => {
    const client = start();
    await client.waitReady;
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 5);
    await client.query("select count(*) from generate_series(1, 4000000)");
    clearInterval(timer);
    expect(turns).toBeGreaterThan(10);
  });

  it("fails what is pending and what comes later when its thread ends", async () => {
    const client = start(
      worker('parentPort.postMessage({ ready: true }); parentPort.on("message", () => process.exit(3));'),
    );
    await client.waitReady;
    const pending = [
      client.query("select 1"),
      client.query("select 2"),
      client.transaction((tx) => tx.query("select 3")),
    ];
    for (const outcome of await Promise.allSettled(pending)) {
      expect(outcome).toMatchObject({ status: "rejected", reason: lost });
    }
    await expect(client.query("select 4")).rejects.toMatchObject(lost);
    await expect(client.transaction((tx) => tx.query("select 5"))).rejects.toMatchObject(lost);
  });

  it("fails when its thread throws", async () => {
    const client = start(
      worker('parentPort.postMessage({ ready: true }); parentPort.on("message", () => { throw 1; });'),
    );
    await client.waitReady;
    await expect(client.query("select 1")).rejects.toMatchObject(lost);
  });

  it.each([
    ["ends", "process.exit(1)"],
    ["throws", 'throw new Error("no memory")'],
    ["reports why", 'parentPort.postMessage({ cannotOpen: "disk full" })'],
  ])("does not get ready when its thread %s", async (_, program) => {
    const client = start(worker(program));
    await expect(client.waitReady).rejects.toMatchObject(lost);
    await expect(client.query("select 1")).rejects.toMatchObject(lost);
  });

  it("closes once, also when its thread is gone", async () => {
    const client = start(worker("process.exit(1)"));
    await expect(client.waitReady).rejects.toMatchObject(lost);
    await expect(Promise.all([client.close(), client.close()])).resolves.toBeDefined();
  });
});
