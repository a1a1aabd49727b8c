import { afterAll } from "vitest";
import type { HttpFixture } from "../../../../tests/fixtures/http-fixture-server.ts";
import { createGateway, type GatewayDeps, type GatewayOptions } from "../../src/gateway.ts";
import type { Log } from "../../src/log.ts";
import type { CallRecord } from "../../src/pipeline/call-record.ts";
import { createFakeControlPlane, type FakeControlPlane } from "./fake-control-plane.ts";

const cleanups: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

export interface Rig {
  url: string;
  controlPlane: FakeControlPlane;
  /** A token of the project "demo". */
  token: string;
  records: CallRecord[];
  /** Lines of the log, as JSON. */
  lines: string[];
  close(): Promise<void>;
}

interface RigOptions {
  /** Servers of the project "demo", by name. */
  servers?: Record<string, Pick<HttpFixture, "url">>;
  options?: Partial<GatewayOptions>;
  now?: GatewayDeps["now"];
}

/** Starts a gateway on a free port, with a control plane in memory; both end with the test file. */
export async function startRig({ servers = {}, options, now }: RigOptions = {}): Promise<Rig> {
  const controlPlane = createFakeControlPlane();
  controlPlane.setProject(
    "demo",
    Object.entries(servers).map(([name, { url }]) => ({ name, url })),
  );
  const records: CallRecord[] = [];
  const lines: string[] = [];
  const gateway = createGateway({
    controlPlane,
    options: { host: "127.0.0.1", port: 0, drainSeconds: 1, ...options },
    log: createMemoryLog(lines),
    onCall: (record) => records.push(record),
    ...(now && { now }),
  });
  const { url } = await gateway.listen();
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= gateway.close().then(() => controlPlane.close()));
  cleanups.push(close);
  return { url, controlPlane, token: controlPlane.addToken("demo"), records, lines, close };
}

/** Ends a fixture with the test file. */
export async function started(fixture: Promise<HttpFixture>): Promise<HttpFixture> {
  const server = await fixture;
  cleanups.push(() => server.close().catch(() => {}));
  return server;
}

export function createMemoryLog(lines: string[]): Log {
  const write = (fields: object, message: string): void => void lines.push(JSON.stringify({ ...fields, message }));
  return { debug: write, info: write, warn: write, error: write };
}
