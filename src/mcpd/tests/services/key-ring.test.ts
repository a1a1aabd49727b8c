import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { McpctlError } from "@mcpctl/shared/errors.ts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type KeyRingOptions, openKeyRing } from "../../src/services/key-ring.ts";

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "mcpctl-keys-"));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

const open = (options: Partial<KeyRingOptions> = {}) =>
  openKeyRing({ configured: undefined, dataDir, canMake: true, neededIds: [], ...options });
const refusal = (message: RegExp) => ({ code: "secrets-key-unusable", message: expect.stringMatching(message) });

describe("the keys of secrets", () => {
  it("are made for a new data directory, for its owner alone, and found again", async () => {
    const { id } = (await open()).first();
    expect((await stat(join(dataDir, "secrets-key"))).mode & 0o777).toBe(0o600);
    expect(await readdir(dataDir)).toEqual(["secrets-key"]);
    expect((await open()).first().id).toBe(id);
    expect((await open({ neededIds: [id] })).first().id).toBe(id);
  });

  it("are not made where they would be apart from the data", async () => {
    const ring = await open({ canMake: false });
    expect(() => ring.first()).toThrow(expect.objectContaining({ code: "secrets-key-unusable" }));
    expect(await readdir(dataDir)).toEqual([]);
  });

  it("are not made anew when stored secrets need one that is lost", async () => {
    await expect(open({ neededIds: ["0123456789abcdef"] })).rejects.toMatchObject(refusal(/0123456789abcdef/));
    expect(await readdir(dataDir)).toEqual([]);
  });

  it("must be those that stored secrets need", async () => {
    const { id } = (await open()).first();
    const configured = randomBytes(32).toString("hex");
    await expect(open({ configured, neededIds: [id] })).rejects.toMatchObject(refusal(new RegExp(id)));
    const old = await readFile(join(dataDir, "secrets-key"), "utf8");
    const ring = await open({ configured: `${configured}\n${old}`, neededIds: [id] });
    expect(ring.get(id)).toHaveLength(32);
    expect(ring.first().id).not.toBe(id);
  });

  it.each([
    "correct-horse-battery",
    "0".repeat(64),
    randomBytes(31).toString("base64"),
    randomBytes(33).toString("base64"),
    `${randomBytes(32).toString("base64")} short`,
  ])("must be 32 random bytes: %s is refused and not repeated", async (configured) => {
    const refused = await open({ configured }).catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject(refusal(/32 random bytes/));
    const { message, hint } = refused as McpctlError;
    for (const word of configured.split(" ")) expect(`${message} ${hint}`).not.toContain(word);
    await writeFile(join(dataDir, "secrets-key"), configured);
    await expect(open()).rejects.toMatchObject(refusal(/32 random bytes/));
  });
});
