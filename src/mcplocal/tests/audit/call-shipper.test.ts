import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { shippedEvent, type ShipResponse, shipRequest } from "@mcpctl/shared/api/audit.ts";
import { parseBoundedJson } from "@mcpctl/shared/json.ts";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type AuditLogOptions, openAuditLog } from "../../src/audit/audit-log.ts";
import { createCallLines } from "../../src/audit/call-line.ts";
import { startCallShipper } from "../../src/audit/call-shipper.ts";

const SHA = "ab".repeat(32);

async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "mcplocal-spool-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Stores as mcpd does: each id once, and whatever it can of a batch. */
function createMcpd() {
  const calls: string[] = [];
  const ids = new Set<string>();
  let batches = 0;
  const faults: (() => void)[] = [];
  return {
    /** Tools in the order in which they were stored. */
    calls,
    batches: () => batches,
    /** Called before the answer to the next batch, which is stored then. */
    failAfterStoring: (fault: () => void) => void faults.push(fault),
    async send(body: Buffer): Promise<ShipResponse> {
      batches += 1;
      const rejected: ShipResponse["rejected"] = [];
      let stored = 0;
      for (const [at, event] of shipRequest.parse(parseBoundedJson(body.toString())).events.entries()) {
        const { data, error } = shippedEvent.safeParse(event);
        if (!data) {
          rejected.push({ at, message: error.message });
          continue;
        }
        if (!ids.has(data.id)) calls.push(data.tool);
        ids.add(data.id);
        stored += 1;
      }
      faults.shift()?.();
      return { stored, duplicates: 0, rejected };
    },
  };
}

async function openLog(directory: string, options: Partial<AuditLogOptions> = {}) {
  const log = await openAuditLog({
    directory,
    epochMs: Date.now,
    maxSpoolBytes: 10_000_000,
    onFailed: () => {},
    ...options,
  });
  const toLine = createCallLines(Date.now);
  const principal = { name: "agent", sha: SHA, creator: "ada", project: "demo" };
  const rest = {
    server: "files",
    outcome: "ok",
    code: undefined,
    durationMs: 1,
    requestBytes: 2,
    replyBytes: 3,
  } as const;
  return { log, call: (tool: string) => log.append(toLine({ ...rest, principal, tool })) };
}

function ship(directory: string, send: (body: Buffer) => Promise<ShipResponse>) {
  const messages: string[] = [];
  const say = (_fields: object, message: string) => void messages.push(message);
  const log = { error: say, warn: say, info: say };
  const shipper = startCallShipper({
    directory,
    maxSpoolBytes: 5_000,
    send,
    log,
    idleMs: 5,
    retryMs: 5,
    maxRetryMs: 20,
  });
  return { ...shipper, messages };
}

const names = (count: number, from = 0) => Array.from({ length: count }, (_, at) => `tool-${from + at}`);

describe("the shipping of recorded calls", () => {
  it("brings every line once and in order, also across restarts of the gateway", async () => {
    const directory = await temporaryDirectory();
    const mcpd = createMcpd();
    for (const start of [0, 1_500, 3_000]) {
      const { log, call } = await openLog(directory);
      const shipper = ship(directory, mcpd.send);
      for (const tool of names(1_500, start)) call(tool);
      await log.close();
      await shipper.close();
    }
    expect(mcpd.calls).toEqual(names(4_500));
  });

  it("sends again what was not acknowledged, and goes on where it was", async () => {
    const directory = await temporaryDirectory();
    const { log, call } = await openLog(directory);
    const mcpd = createMcpd();
    mcpd.failAfterStoring(() => {
      throw new McpctlError("upstream-unavailable", "mcpd was killed between storing and answering");
    });
    const shipper = ship(directory, mcpd.send);
    for (const tool of names(10)) call(tool);
    await log.close();
    await vi.waitFor(() => expect(shipper.messages).toHaveLength(2));
    await shipper.close();
    expect(mcpd.calls).toEqual(names(10));
    expect(shipper.messages).toEqual([
      expect.stringContaining("cannot be shipped"),
      expect.stringContaining("are shipped again"),
    ]);
    const later = ship(directory, mcpd.send);
    await later.close();
    expect(mcpd.batches()).toBe(2);
  });

  it("begins again when it does not know how far it was", async () => {
    const directory = await temporaryDirectory();
    const mcpd = createMcpd();
    const { log, call } = await openLog(directory);
    for (const tool of names(3)) call(tool);
    await log.close();
    await ship(directory, mcpd.send).close();
    await writeFile(join(directory, "shipped.json"), '{"head":');
    await ship(directory, mcpd.send).close();
    expect(mcpd.batches()).toBe(2);
    expect(mcpd.calls).toEqual(names(3));
  });

  it("removes a full file when it is acknowledged, and not before", async () => {
    const directory = await temporaryDirectory();
    for (const start of [0, 10, 20]) {
      const { log, call } = await openLog(directory, { maxFileBytes: 10, maxFiles: 1 });
      for (const tool of names(10, start)) call(tool);
      await log.close();
    }
    expect((await readdir(directory)).filter((name) => name.startsWith("calls"))).toHaveLength(4);
    const mcpd = createMcpd();
    let isUp = false;
    const shipper = ship(directory, (body) => (isUp ? mcpd.send(body) : Promise.reject(new Error("down"))));
    await vi.waitFor(() => expect(shipper.messages).toHaveLength(1));
    expect((await readdir(directory)).filter((name) => name.startsWith("calls"))).toHaveLength(4);
    isUp = true;
    await vi.waitFor(async () =>
      expect((await readdir(directory)).toSorted()).toEqual(["calls.jsonl", "shipped.json"]),
    );
    await shipper.close();
    expect(mcpd.calls).toEqual(names(30));
  });

  it("goes on in a file that was renamed since", async () => {
    const directory = await temporaryDirectory();
    const mcpd = createMcpd();
    const first = await openLog(directory);
    for (const tool of names(5)) first.call(tool);
    await first.log.close();
    await ship(directory, mcpd.send).close();
    const second = await openLog(directory, { maxFileBytes: 10 });
    for (const tool of names(5, 5)) second.call(tool);
    await second.log.close();
    await ship(directory, mcpd.send).close();
    expect(mcpd.calls).toEqual(names(10));
    expect(mcpd.batches()).toBe(2);
  });

  it("is not held up by what mcpd refuses, nor by what a crash has left", async () => {
    const directory = await temporaryDirectory();
    const { log, call } = await openLog(directory);
    call("before");
    await log.close();
    await appendFile(join(directory, "calls.jsonl"), `{"id":"no event"}\n\u0000\u0000\u0000\n{"id":"torn","time":"20`);
    const again = await openLog(directory);
    again.call("after");
    await again.log.close();
    expect(await readFile(join(directory, "calls.jsonl"), "utf8")).not.toContain("torn");
    const mcpd = createMcpd();
    const shipper = ship(directory, mcpd.send);
    await shipper.close();
    expect(mcpd.calls).toEqual(["before", "after"]);
    expect(shipper.messages.toSorted()).toEqual([
      expect.stringContaining("incomplete lines"),
      expect.stringContaining("refuses a recorded tool call"),
    ]);
  });

  it("is not ready when the spool is full, and ready again when mcpd has taken it", async () => {
    const directory = await temporaryDirectory();
    const failures: unknown[] = [];
    const { log, call } = await openLog(directory, {
      maxSpoolBytes: 5_000,
      maxFileBytes: 1_000,
      onFailed: (thrown) => failures.push(thrown),
    });
    await vi.waitFor(() => {
      for (const tool of names(20)) call(tool);
      expect(log.isHealthy).toBe(false);
    });
    expect(failures).toMatchObject([{ code: "unavailable", hint: expect.stringContaining("--audit-spool-bytes") }]);
    const mcpd = createMcpd();
    const shipper = ship(directory, mcpd.send);
    await vi.waitFor(() => expect(log.isHealthy).toBe(true), 5_000);
    await log.close();
    await shipper.close();
    expect(log.lostLines).toBe(0);
    expect(mcpd.calls.length % 20).toBe(0);
  });
});
