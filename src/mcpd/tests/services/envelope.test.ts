import { randomBytes } from "node:crypto";
import type { Resource } from "@mcpctl/shared/kinds/kind.ts";
import { expect, it } from "vitest";
import { openSecrets, rewrapSecrets, sealSecrets } from "../../src/services/envelope.ts";
import { type KeyRing, openKeyRing } from "../../src/services/key-ring.ts";

const newKey = () => randomBytes(32).toString("base64");
const ringOf = (...keys: string[]) =>
  openKeyRing({ configured: keys.join("\n"), dataDir: "/nonexistent", canMake: false, neededIds: [] });
const unusable = expect.objectContaining({ code: "secrets-key-unusable" });

const object: Resource = {
  apiVersion: "mcpctl.io/v1",
  kind: "Secret",
  metadata: {
    name: "files",
    labels: {},
    annotations: {},
    uid: "0f8fad5b-d9cb-469f-a165-70867728950e",
    generation: 1,
    resourceVersion: "1",
    createdAt: "2026-01-01T00:00:00.000Z",
    updatedAt: "2026-01-01T00:00:00.000Z",
    managedFields: [],
  },
  spec: {},
};
const withMetadata = (change: Partial<Resource["metadata"]>) => ({
  ...object,
  metadata: { ...object.metadata, ...change },
});
const values = new Map([
  ["data.a", "the first value"],
  ["data.b", "ünïcode\n"],
]);

it("opens what it sealed, and never seals twice alike", async () => {
  const keys = await ringOf(newKey());
  const sealed = sealSecrets(keys, object, values);
  expect(openSecrets(keys, object, sealed)).toEqual(values);
  const again = sealSecrets(keys, object, values);
  expect(again.wrappedKey).not.toBe(sealed.wrappedKey);
  expect(again.values["data.a"]).not.toBe(sealed.values["data.a"]);
});

it.each([{ name: "other" }, { uid: "7c9e6679-7425-40de-944b-e07fc1f90ae7" }, { generation: 2 }, { project: "demo" }])(
  "does not open as part of an object with another %j",
  async (change) => {
    const keys = await ringOf(newKey());
    const sealed = sealSecrets(keys, object, values);
    expect(() => openSecrets(keys, withMetadata(change), sealed)).toThrow(unusable);
    // Not even when everything that is wrapped alike comes along.
    const other = sealSecrets(keys, withMetadata(change), values);
    expect(() => openSecrets(keys, object, { ...sealed, values: other.values })).toThrow(unusable);
  },
);

it("does not open a value as another field", async () => {
  const keys = await ringOf(newKey());
  const sealed = sealSecrets(keys, object, values);
  const { "data.a": a = "", "data.b": b = "" } = sealed.values;
  expect(() => openSecrets(keys, object, { ...sealed, values: { "data.a": b, "data.b": a } })).toThrow(unusable);
});

it("finds every bit that was flipped, wherever it is", async () => {
  const keys = await ringOf(newKey());
  const sealed = sealSecrets(keys, object, new Map([["data.a", "value"]]));
  const flips = (text: string) => {
    const bytes = Buffer.from(text, "base64");
    return [...Array(bytes.length * 8).keys()].map((bit) => {
      const copy = Buffer.from(bytes);
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return copy.toString("base64");
    });
  };
  for (const wrappedKey of flips(sealed.wrappedKey)) {
    expect(() => openSecrets(keys, object, { ...sealed, wrappedKey })).toThrow(unusable);
  }
  for (const value of flips(sealed.values["data.a"] ?? "")) {
    expect(() => openSecrets(keys, object, { ...sealed, values: { "data.a": value } })).toThrow(unusable);
  }
  for (const cut of ["", "AAAA"]) {
    expect(() => openSecrets(keys, object, { ...sealed, wrappedKey: cut })).toThrow(unusable);
  }
});

it("rewraps under the first key; the old envelope opens as long as its key is there", async () => {
  const [old, next] = [newKey(), newKey()];
  const before = await ringOf(old);
  const sealed = sealSecrets(before, object, values);
  const both = await ringOf(next, old);
  const rewrapped = rewrapSecrets(both, object, sealed);
  expect(rewrapped).toMatchObject({ keyId: both.first().id, values: sealed.values });
  const open = (keys: KeyRing, envelope: typeof sealed) => openSecrets(keys, object, envelope);
  expect(open(both, sealed)).toEqual(values);
  expect(open(await ringOf(next), rewrapped)).toEqual(values);
  const after = await ringOf(next);
  expect(() => open(after, sealed)).toThrow(
    expect.objectContaining({ message: expect.stringContaining(sealed.keyId) }),
  );
  // The id of a key is no lie: what it wrapped is bound to it.
  expect(() => open(both, { ...sealed, keyId: both.first().id })).toThrow(unusable);
});
