import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type AuditLogOptions, openAuditLog } from "../../src/audit/audit-log.ts";
import { createCallLines } from "../../src/audit/call-line.ts";

async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "mcplocal-audit-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function open(directory: string, options: Partial<AuditLogOptions> = {}) {
  const failures: unknown[] = [];
  let epochMs = 1_000;
  const log = await openAuditLog({
    directory,
    epochMs: () => (epochMs += 1),
    onFailed: (thrown) => failures.push(thrown),
    ...options,
  });
  return { log, failures };
}

const principal = { name: "agent", sha: "ab12", creator: "ada", project: 'a "b"' };
const record = {
  principal,
  server: "files",
  tool: "read\nfile",
  outcome: "ok",
  code: undefined,
  durationMs: 1.23456,
  requestBytes: 200,
  replyBytes: 300,
} as const;

describe("a line of the audit log", () => {
  const toLine = createCallLines(() => Date.UTC(2026, 10, 28));

  it("says who called what and how it ended, and nothing of what was said", () => {
    const line = toLine(record);
    expect(line.indexOf("\n")).toBe(line.length - 1);
    expect(JSON.parse(line)).toEqual({
      id: expect.stringMatching(/-1$/),
      time: "2026-11-28T00:00:00.000Z",
      tokenName: "agent",
      tokenSha: "ab12",
      user: "ada",
      project: 'a "b"',
      verb: "tools/call",
      server: "files",
      tool: "read\nfile",
      outcome: "ok",
      durationMs: 1.235,
      requestBytes: 200,
      replyBytes: 300,
    });
  });

  it("gives the code of a failure, and no server where none was found", () => {
    const line = JSON.parse(toLine({ ...record, server: undefined, outcome: "error", code: "upstream-timeout" }));
    expect(line).toMatchObject({ outcome: "error", code: "upstream-timeout" });
    expect(line).not.toHaveProperty("server");
  });

  it("has an id of its own", () => {
    const ids = Array.from({ length: 100 }, () => JSON.parse(toLine(record)).id);
    expect(new Set(ids).size).toBe(100);
  });
});

describe("an audit log", () => {
  it("keeps every line in order, also across a restart", async () => {
    const directory = await temporaryDirectory();
    for (const start of [0, 500]) {
      const { log } = await open(directory);
      for (let at = start; at < start + 500; at += 1) log.append(`${at}\n`);
      await log.close();
    }
    const lines = (await readFile(join(directory, "calls.jsonl"), "utf8")).trimEnd().split("\n");
    expect(lines).toEqual(Array.from({ length: 1_000 }, (_, at) => `${at}`));
  });

  it("begins a new file when one is full, and keeps a few", async () => {
    const directory = await temporaryDirectory();
    for (let start = 0; start < 6; start += 1) {
      const { log } = await open(directory, { maxFileBytes: 10, maxFiles: 2, epochMs: () => 1_000 + start });
      log.append(`${start} is longer than ten bytes\n`);
      await log.close();
    }
    expect((await readdir(directory)).toSorted()).toEqual(["calls-1004.jsonl", "calls-1005.jsonl", "calls.jsonl"]);
    expect(await readFile(join(directory, "calls-1005.jsonl"), "utf8")).toBe("5 is longer than ten bytes\n");
  });

  it("is unhealthy while the disk is full, and counts what it could not keep", async () => {
    const directory = await temporaryDirectory();
    await symlink("/dev/full", join(directory, "calls.jsonl"));
    const { log, failures } = await open(directory, { maxUnwrittenBytes: 100 });
    log.append("does not fit\n");
    await vi.waitFor(() => expect(log.isHealthy).toBe(false));
    expect(failures).toMatchObject([{ code: "ENOSPC" }]);
    for (let count = 0; count < 20; count += 1) log.append("0123456789\n");
    expect(log.lostLines).toBeGreaterThan(0);
    await log.close();
  });

  it("says at once that its directory cannot be used", async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, "file"), "");
    await expect(open(join(directory, "file", "audit"))).rejects.toMatchObject({ code: "config-invalid" });
  });
});
