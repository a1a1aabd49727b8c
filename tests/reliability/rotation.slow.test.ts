import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { openDatabase } from "../../src/mcpd/src/repositories/database.ts";
import { openSecrets } from "../../src/mcpd/src/services/envelope.ts";
import { openKeyRing } from "../../src/mcpd/src/services/key-ring.ts";
import { temporaryDir } from "../e2e/support/stack.ts";
import { startPostgres } from "../support/postgres.ts";
import { built, type Running, start } from "../support/programs.ts";
import { announceSeed, createRandom } from "./random.ts";

const SECRETS = 250;
const ROUNDS = 5;
const TIMEOUT_MS = 1_800_000;
const PASSWORD = "a password for the test";
const seed = announceSeed("tests/reliability/rotation");

interface Mcpd {
  running: Running;
  send(method: string, path: string, body?: object): Promise<Response>;
}

async function startMcpd(args: readonly string[]): Promise<Mcpd> {
  const running = start(built("mcpd"), args, { MCPD_ADMIN_PASSWORD: PASSWORD });
  const api = (await running.line((line) => line.startsWith("mcpd listens on "))).replace("mcpd listens on ", "");
  let bearer = "";
  const send = (method: string, path: string, body?: object) =>
    fetch(`${api}${path}`, {
      method,
      headers: { "content-type": "application/json", authorization: `Bearer ${bearer}` },
      ...(body && { body: JSON.stringify(body) }),
    });
  const login = await send("POST", "/api/v1/login", { user: "admin", password: PASSWORD });
  ({ token: bearer } = (await login.json()) as { token: string });
  return { running, send };
}

const newKey = () => randomBytes(32).toString("base64");
const nameOf = (index: number) => `secret-${index}`;

it.each(["pglite", "postgresql"] as const)(
  "a rotation that kill -9 interrupts, under writes, loses no value, with %s",
  { timeout: TIMEOUT_MS },
  async (engine) => {
    await using dir = await temporaryDir();
    await using postgres = engine === "postgresql" ? await startPostgres({ isDurable: true }) : undefined;
    const random = createRandom(`${seed}/${engine}`);
    const [dataDir, keyFile] = [join(dir.path, "data"), join(dir.path, "keys")];
    const keys = [newKey()];
    const url = await postgres?.createDatabase();
    const databaseArgs = url === undefined ? [] : ["--database-url", url];
    const args = ["--listen", "127.0.0.1:0", "--data-dir", dataDir, "--secrets-key-file", keyFile, ...databaseArgs];
    /** What each secret may hold: the last value that was acknowledged, and those that nobody heard of since. */
    const possible = new Map<string, string[]>();

    async function write(mcpd: Mcpd, method: "POST" | "PUT", name: string): Promise<void> {
      const value = randomBytes(12).toString("hex");
      const path = `/api/v1/secrets${method === "PUT" ? `/${name}` : ""}`;
      possible.set(name, [...(possible.get(name) ?? []), value]);
      const manifest = { kind: "Secret", metadata: { name }, spec: { data: { key: value } } };
      const { ok } = await mcpd.send(method, path, manifest);
      if (ok) possible.set(name, [value]);
    }

    /** Rotates beside a writer until nothing remains or mcpd is gone. @returns how many remain. */
    async function rotate(mcpd: Mcpd): Promise<number> {
      let remaining = Infinity;
      async function writeOn(): Promise<void> {
        while (remaining > 0) await write(mcpd, "PUT", nameOf(random.int(0, SECRETS - 1)));
      }
      async function rotateOn(): Promise<void> {
        while (remaining > 0) {
          const answer = await mcpd.send("POST", "/api/v1/secrets/rotate");
          ({ remaining } = (await answer.json()) as { remaining: number });
        }
      }
      // When mcpd is killed, both fail.
      await Promise.allSettled([writeOn(), rotateOn()]);
      return remaining;
    }

    await writeFile(keyFile, keys.join("\n"));
    let mcpd = await startMcpd(args);
    try {
      for (let index = 0; index < SECRETS; index += 1) await write(mcpd, "POST", nameOf(index));
      const killed = { early: 0, halfWay: 0 };
      for (let round = 0; round < ROUNDS; round += 1) {
        await mcpd.running.end("SIGKILL");
        keys.unshift(newKey());
        await writeFile(keyFile, keys.join("\n"));
        mcpd = await startMcpd(args);
        const rotating = rotate(mcpd);
        await sleep(random.int(0, 400));
        await mcpd.running.end("SIGKILL");
        const remaining = await rotating;
        if (remaining > 0) killed[Number.isFinite(remaining) ? "halfWay" : "early"] += 1;
        mcpd = await startMcpd(args);
        expect(await rotate(mcpd), `seed ${seed}`).toBe(0);
      }
      const { early, halfWay } = killed;
      process.stdout.write(
        `${engine}: ${ROUNDS} rotations of ${SECRETS} secrets, killed in the first batch: ${early}, later: ${halfWay}\n`,
      );
      expect(early + halfWay).toBeGreaterThan(0);
      await mcpd.running.end("SIGTERM");

      const [newest = ""] = keys;
      await using database = await openDatabase(url === undefined ? { dataDir } : { url });
      const neededIds = await database.read.secrets.keyIds();
      const ring = await openKeyRing({ configured: newest, dataDir, canMake: false, neededIds });
      for (const [name, values] of possible) {
        const found = await database.read.secrets.find({ plural: "secrets", project: "", name });
        if (!found?.sealed) throw new Error(`${name} is lost`);
        expect(values).toContain(openSecrets(ring, found.resource, found.sealed).get("data.key"));
      }
    } finally {
      await mcpd.running[Symbol.asyncDispose]();
    }
  },
);
