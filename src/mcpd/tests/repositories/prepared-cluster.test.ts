import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { packCluster, unpackCluster } from "../../src/repositories/prepared-cluster.ts";

const CONTENTS = {
  PG_VERSION: Buffer.from("18\n"),
  empty: Buffer.alloc(0),
  "base/1/2601": Buffer.concat([Buffer.from([0, 7, 0]), Buffer.alloc(8_189)]),
  "base/5/2601": Buffer.concat([Buffer.from([0, 7, 0]), Buffer.alloc(8_189)]),
  "base/5/2602": Buffer.concat([Buffer.from([0, 7, 0]), Buffer.alloc(16_381)]),
  "pg_wal/1": Buffer.alloc(100_000),
};

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "mcpd-cluster-"));
  for (const name of ["base/1", "base/5", "pg_wal/archive_status"]) {
    mkdirSync(join(dir, "source", name), { recursive: true });
  }
  for (const [name, content] of Object.entries(CONTENTS)) writeFileSync(join(dir, "source", name), content);
  file = join(dir, "cluster.zst");
  writeFileSync(file, packCluster(join(dir, "source")));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** What unpacking leaves behind, apart from what the test itself put there. */
function written(): string[] {
  return readdirSync(dir).filter((name) => name !== "source" && name !== "cluster.zst");
}

describe("a prepared cluster", () => {
  it("unpacks to the same files and directories, whatever they end in", () => {
    expect(unpackCluster(file, join(dir, "copy"))).toBe(true);
    const list = (name: string) => new Set(readdirSync(join(dir, name), { recursive: true, encoding: "utf8" }));
    expect(list("copy")).toEqual(list("source"));
    for (const [name, content] of Object.entries(CONTENTS)) {
      expect(readFileSync(join(dir, "copy", name)), name).toEqual(content);
    }
  });

  it("is not used when it is missing", () => {
    expect(unpackCluster(join(dir, "nowhere.zst"), join(dir, "copy"))).toBe(false);
    expect(written()).toEqual([]);
  });

  it.each(["truncated", "changed", "no such file at all"])("is not used when it is %s", (damage) => {
    const whole = readFileSync(file);
    const middle = Math.floor(whole.length / 2);
    if (damage === "truncated") writeFileSync(file, whole.subarray(0, middle));
    else if (damage === "changed") writeFileSync(file, whole.fill(whole.readUInt8(middle) ^ 0xff, middle, middle + 1));
    else writeFileSync(file, "a page of a proxy");
    expect(unpackCluster(file, join(dir, "copy"))).toBe(false);
    expect(written()).toEqual([]);
  });

  it("is not used when another version of the engine made it", () => {
    const text = zstdDecompressSync(readFileSync(file)).toString("latin1");
    const other = text.replace(/"pgliteVersion":"\d/, '"pgliteVersion":"9');
    expect(other).not.toBe(text);
    writeFileSync(file, zstdCompressSync(Buffer.from(other, "latin1")));
    expect(unpackCluster(file, join(dir, "copy"))).toBe(false);
    expect(written()).toEqual([]);
  });
});
