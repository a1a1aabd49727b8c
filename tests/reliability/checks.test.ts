import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readDataDirId } from "../../src/mcpd/src/orchestrators/data-dir-id.ts";
import { INSTANCE_MARKER } from "../../src/mcpd/src/orchestrators/stray-processes.ts";
import type { Resource } from "../../src/shared/src/kinds/kind.ts";
import { groups } from "../../src/shared/src/kinds/groups.ts";
import { mcpTokens } from "../../src/shared/src/kinds/mcp-tokens.ts";
import { checkObjects } from "./check-objects.ts";
import { type AuditRow, checkAudit, checkLog, checkTokenRows } from "./check-rows.ts";
import { checkTokens } from "./check-tokens.ts";
import { checkWatches } from "./check-watches.ts";
import { checkWrites } from "./check-writes.ts";
import { toEffects } from "./effects.ts";
import type { Entry, LoggedChange, Operation, Outcome } from "./ledger.ts";
import { findOrphans } from "./orphans.ts";
import { createRandom } from "./random.ts";
import { planOperation } from "./workload.ts";

const uuid = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;

/** What the write with this id leaves at this version. */
function group(id: string, version: number, generation = 1): Resource {
  const metadata = {
    name: "w-1",
    labels: { by: id },
    annotations: { tag: id },
    uid: uuid(1),
    generation,
    resourceVersion: String(version),
    createdAt: "2026-01-01T00:00:00.000Z",
    updatedAt: "2026-01-01T00:00:00.000Z",
    managedFields: [],
  };
  return { apiVersion: "mcpctl.io/v1", kind: "Group", metadata, spec: { members: [id] } };
}

function entry(verb: Operation["verb"], id: string, outcome: Outcome): Entry {
  const written = { labels: { by: id }, annotations: { tag: id } };
  const manifest = { kind: "Group", metadata: { name: "w-1", ...written }, spec: { members: [id] } };
  return { id, verb, kind: groups, object: { name: "w-1" }, ...(verb !== "delete" && { manifest }), outcome };
}

function change(version: number, type: LoggedChange["type"], object: Resource): LoggedChange {
  return { version, type, plural: "groups", object };
}

const stored = (resource: Resource): Outcome => ({ answer: "stored", resource });
const none: Outcome = { answer: "none" };

/** A create and an update that were acknowledged, an update that was refused, and one that was never answered. */
const ENTRIES = [
  entry("create", "first", stored(group("first", 1))),
  entry("update", "second", stored(group("second", 2, 2))),
  entry("update", "third", { answer: "refused", code: "conflict" }),
  entry("update", "fourth", none),
];
const LOG = [
  change(1, "ADDED", group("first", 1)),
  change(2, "MODIFIED", group("second", 2, 2)),
  change(3, "MODIFIED", group("fourth", 3, 3)),
];
const LISTED = { kind: groups, version: 3, items: [group("fourth", 3, 3)] };
const row = (requestId: string, verb: string): AuditRow => {
  return { requestId, verb, resource: "groups", name: "w-1", project: "", decision: "allow" };
};
const AUDIT = [row("first", "create"), row("second", "update"), row("fourth", "update")];

const writes = (entries: readonly Entry[], log: readonly LoggedChange[]) => checkWrites(entries, toEffects(log));
const audit = (entries: readonly Entry[], rows: readonly AuditRow[]) => checkAudit(entries, toEffects(LOG), rows);
const one = (kind: string, what: string) => [{ kind, what: expect.stringContaining(what) }];

describe("the comparison of the ledger with the change log", () => {
  it("finds nothing where every promise was kept", () => {
    expect(writes(ENTRIES, LOG)).toEqual([]);
    expect(writes(ENTRIES, LOG.slice(0, 2))).toEqual([]);
  });

  it("finds an acknowledged write that was lost", () => {
    expect(writes(ENTRIES, LOG.toSpliced(1, 1))).toEqual(one("lost", "update groups//w-1 (second)"));
  });

  it("finds an acknowledged deletion that was lost", () => {
    const deleted = entry("delete", "fifth", stored(group("fourth", 3, 3)));
    expect(writes([...ENTRIES, deleted], LOG)).toEqual(one("lost", "delete groups//w-1 (fifth)"));
    expect(writes([...ENTRIES, deleted], [...LOG, change(4, "DELETED", group("fourth", 4, 3))])).toEqual([]);
  });

  it("finds half of a write that was never answered", () => {
    const half = { ...group("fourth", 3, 3), spec: { members: [] } };
    expect(writes(ENTRIES, LOG.toSpliced(2, 1, change(3, "MODIFIED", half)))).toEqual(one("half", "(fourth)"));
  });

  it("finds a write that is stored otherwise than it was acknowledged", () => {
    const other = change(2, "MODIFIED", group("second", 2, 7));
    expect(writes(ENTRIES, LOG.toSpliced(1, 1, other))).toEqual(one("half", "otherwise than acknowledged"));
  });

  it("finds a write that was refused and stored, and a refusal that nobody expects", () => {
    const log = [...LOG, change(4, "MODIFIED", group("third", 4, 4))];
    expect(writes(ENTRIES, log)).toEqual(one("unexplained", "was refused and stored"));
    const broken = entry("update", "third", { answer: "refused", code: "internal" });
    expect(writes(ENTRIES.toSpliced(2, 1, broken), LOG)).toEqual(one("unexplained", "refused with internal"));
  });

  it("finds a write that was stored twice, and one that nobody made", () => {
    const again = [...LOG, change(4, "DELETED", group("fourth", 4)), change(5, "ADDED", group("fourth", 5))];
    expect(writes(ENTRIES, again)).toEqual(one("unexplained", "stored 2 times"));
    const foreign = [...LOG, change(4, "MODIFIED", group("foreign", 4, 4))];
    expect(writes(ENTRIES, foreign)).toEqual(one("unexplained", "version 4"));
    const untagged = { ...group("fourth", 4, 4), spec: { members: ["changed"] } };
    expect(writes(ENTRIES, [...LOG, change(4, "MODIFIED", untagged)])).toEqual(one("unexplained", "version 4"));
  });
});

describe("the comparison of lists with the change log", () => {
  it("finds nothing where they agree", () => {
    expect(checkObjects(LISTED, LOG)).toEqual([]);
  });

  it("finds an object that is gone, one that came back, and one in an earlier state", () => {
    expect(checkObjects({ ...LISTED, items: [] }, LOG)).toEqual(one("lost", "is gone"));
    const deleted = [...LOG, change(4, "DELETED", group("fourth", 4, 3))];
    expect(checkObjects({ ...LISTED, version: 4 }, deleted)).toEqual(one("lost", "was deleted"));
    expect(checkObjects({ ...LISTED, items: [group("second", 2, 2)] }, LOG)).toEqual(one("lost", "is not what"));
  });

  it("finds an object that is none of its kind", () => {
    const half = { ...group("fourth", 3, 3), spec: { members: [null] } };
    expect(checkObjects({ ...LISTED, items: [half] }, LOG.toSpliced(2, 1, change(3, "MODIFIED", half)))).toEqual(
      one("half", "groups//w-1"),
    );
  });
});

describe("the comparison of watches", () => {
  it("finds nothing where together they tell every version once, in order", () => {
    expect(checkWatches([LOG.slice(0, 1), LOG.slice(1)], 3)).toEqual([]);
  });

  it("finds a gap, a repetition and a disorder", () => {
    expect(checkWatches([LOG.toSpliced(1, 1)], 3)).toEqual(one("watch", "no watch told version 2"));
    expect(checkWatches([LOG], 4)).toEqual(one("watch", "no watch told version 4"));
    expect(checkWatches([LOG, LOG.slice(2)], 3)).toEqual(one("watch", "told again version 3"));
    expect(checkWatches([LOG.toReversed()], 3)).toEqual(one("watch", "out of order came version 2, 1"));
  });
});

describe("the comparison of what lies in the database", () => {
  const rows = { revision: 3, changes: LOG, resources: new Map(), audit: AUDIT, tokens: [] };

  it("finds nothing where every promise was kept", () => {
    expect(checkLog(rows, LOG)).toEqual([]);
    expect(audit(ENTRIES, AUDIT)).toEqual([]);
  });

  it("finds a change that is not there, and one that a watch told otherwise", () => {
    expect(checkLog({ ...rows, changes: LOG.slice(0, 2) }, LOG.slice(0, 2))).toEqual(one("lost", "2 changes"));
    expect(checkLog(rows, [change(2, "MODIFIED", group("other", 2))])).toEqual(one("watch", "version 2"));
  });

  it("finds a write without its audit row, with two, and an audit row without its write", () => {
    expect(audit(ENTRIES, AUDIT.slice(1))).toEqual(one("audit", "(first), answer stored, has 0"));
    expect(audit(ENTRIES, [...AUDIT, row("second", "update")])).toEqual(one("audit", "(second)"));
    expect(audit(ENTRIES, [...AUDIT, row("third", "update")])).toEqual(one("audit", "(third)"));
    expect(audit(ENTRIES, AUDIT.slice(0, 2))).toEqual(one("audit", "(fourth), answer none, has 0"));
    const unknown = [...ENTRIES, entry("update", "fifth", none)];
    expect(audit(unknown, [...AUDIT, row("fifth", "update")])).toEqual(one("audit", "(fifth), answer none, has 1"));
  });

  it("finds a deletion without its audit row", () => {
    const effects = toEffects([...LOG, change(4, "DELETED", group("fourth", 4, 3))]);
    const entries = [...ENTRIES, entry("delete", "fifth", none)];
    expect(checkAudit(entries, effects, AUDIT)).toEqual(one("audit", "1 deletions"));
    expect(checkAudit(entries, effects, [...AUDIT, row("fifth", "delete")])).toEqual([]);
  });

  it("finds half of a token", () => {
    const token = { uid: uuid(1), sha: "ab", project: "w-1" };
    expect(checkTokenRows([{ resource: token, row: token }])).toEqual([]);
    expect(checkTokenRows([{ resource: token, row: null }])).toEqual(one("half", uuid(1)));
    expect(checkTokenRows([{ resource: token, row: { ...token, sha: "cd" } }])).toEqual(one("half", "cd"));
  });
});

describe("the check of tokens", () => {
  const token = { ...group("minted", 1), kind: "McpToken", status: { phase: "Active" } };
  const minted: Entry = { ...entry("mint", "minted", stored(token)), kind: mcpTokens };
  const added = { ...change(1, "ADDED", token), plural: "mcptokens" };
  const revoked = { ...added, type: "MODIFIED" as const, object: { ...token, status: { revokedAt: "now" } } };
  const check = (log: LoggedChange[], isActive: boolean) => checkTokens([{ entry: minted, isActive }], toEffects(log));

  it("finds a token that does not work, and a revoked one that does", () => {
    expect(check([added], true)).toEqual([]);
    expect(check([added], false)).toEqual(one("token", "is inactive"));
    expect(check([added, revoked], false)).toEqual([]);
    expect(check([added, revoked], true)).toEqual(one("token", "is active"));
    expect(check([], true)).toEqual(one("token", "is active"));
  });
});

describe("the search for orphans", () => {
  it("finds a process by its mark, whoever started it", { timeout: 60_000 }, async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "mcpctl-orphans-"));
    const env = { [INSTANCE_MARKER]: `${readDataDirId(dataDir)}/server-0` };
    const orphan = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { env, stdio: "ignore" });
    await once(orphan, "spawn");
    try {
      expect(await findOrphans([], { dataDir }, 200)).toEqual([orphan.pid]);
      expect(await findOrphans([], { dataDir, pid: process.pid }, 200)).toEqual([]);
    } finally {
      orphan.kill("SIGKILL");
      await once(orphan, "exit");
    }
    expect(await findOrphans([orphan.pid ?? -1], { dataDir }, 200)).toEqual([]);
    rmSync(dataDir, { recursive: true });
  });
});

describe("a seed", () => {
  it("repeats the plan of every client, and another seed gives another", () => {
    const plan = (seed: string) => {
      const random = createRandom(seed).fork("client-1");
      return Array.from({ length: 50 }, (_, index) => planOperation(random, `write-${index}`));
    };
    expect(plan("1")).toEqual(plan("1"));
    expect(plan("1")).not.toEqual(plan("2"));
  });
});
