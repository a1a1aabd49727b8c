import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Database } from "../../src/mcpd/src/repositories/interfaces.ts";
import { insertServer, serverRef } from "./repositories-fixtures.ts";

interface Race {
  writers: readonly Database[];
  reader: Database;
  writes: number;
  concurrency: number;
}

/**
 * Writes from many transactions, some of which linger before they commit, while a reader follows the log from the
 * last version it saw. Versions of a plain sequence would become visible out of order and be skipped for good.
 */
export async function expectNothingMissed({ writers, reader, writes, concurrency }: Race): Promise<void> {
  const start = await reader.read.changes.latestVersion();
  const waiting = Array.from({ length: writes }, (_, index) => index);
  const written: string[] = [];
  async function write(): Promise<void> {
    for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
      const writer = writers[index % writers.length];
      const stored = await writer?.transact(async (repositories) => {
        const inserted = await insertServer(repositories, serverRef());
        await sleep(Math.random() * 4);
        return inserted;
      });
      written.push(stored?.metadata.resourceVersion ?? "none");
    }
  }
  const writing = Promise.all(Array.from({ length: concurrency }, write));
  const seen = await followUntil(reader, start, writing);
  expect(seen).toEqual(written.toSorted(byNumber));
}

async function followUntil(reader: Database, start: string, writing: Promise<unknown>): Promise<string[]> {
  const seen: string[] = [];
  let isWriting = true;
  const done = writing.finally(() => (isWriting = false));
  for (let isLast = false; !isLast;) {
    isLast = !isWriting;
    const page = await reader.read.changes.listSince(seen.at(-1) ?? start, 1_000);
    seen.push(...page.map(({ resourceVersion }) => resourceVersion));
  }
  await done;
  return seen;
}

function byNumber(a: string, b: string): number {
  return Number(BigInt(a) - BigInt(b));
}
