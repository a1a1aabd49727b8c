import { type FileHandle, open, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";

/** The file that is being written. */
export const CURRENT = "calls.jsonl";
const FULL = /^calls-(\d+)\.jsonl$/;
const POSITION = "shipped.json";
/** A line begins with an id that no other line has. */
const HEAD_BYTES = 64;
const LINE_FEED = 0x0a;

/** How far a file of the spool has been shipped. The file is known by how it begins, since its name changes. */
const position = z.object({ head: z.string(), offset: z.int().min(0) });
export type SpoolPosition = z.output<typeof position>;

/** @returns names of the files that are full, oldest first. */
export async function listFullFiles(directory: string): Promise<string[]> {
  const age = (name: string) => Number(FULL.exec(name)?.[1]);
  const names = (await readdir(directory)).filter((name) => FULL.test(name));
  return names.toSorted((a, b) => age(a) - age(b));
}

/** @returns how many bytes all files have. */
export async function measureSpool(directory: string): Promise<number> {
  const names = [...(await listFullFiles(directory)), CURRENT];
  const sizes = await Promise.all(names.map((name) => sizeOf(join(directory, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** A file that is gone in the meantime has been shipped. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}

/** @returns undefined when it is unknown: then everything is shipped again, and what is there already is not stored twice. */
export async function readPosition(directory: string): Promise<SpoolPosition | undefined> {
  try {
    return position.parse(JSON.parse(await readFile(join(directory, POSITION), "utf8")));
  } catch {
    return undefined;
  }
}

export async function writePosition(directory: string, shipped: SpoolPosition): Promise<void> {
  const path = join(directory, POSITION);
  await writeFile(`${path}.new`, JSON.stringify(shipped), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

export interface SpoolFile extends AsyncDisposable {
  name: string;
  isCurrent: boolean;
  /** How it begins; empty for a file without a whole line. */
  head: string;
  size: number;
  /** Reads whole lines from an offset on, as many as fit. @returns how many lines, and their bytes with line feeds. */
  read(offset: number, into: Buffer, maxLines: number): Promise<{ lines: number; bytes: number }>;
}

/** @returns undefined when the file is gone. */
export async function openSpoolFile(directory: string, name: string): Promise<SpoolFile | undefined> {
  const file = await open(join(directory, name), "r").catch(() => undefined);
  if (!file) return undefined;
  const { size } = await file.stat();
  const head = (await readBytes(file, 0, HEAD_BYTES)).toString("latin1");
  return {
    name,
    isCurrent: name === CURRENT,
    head: head.length < HEAD_BYTES ? "" : head,
    size,
    async read(offset, into, maxLines) {
      const { bytesRead } = await file.read(into, 0, into.length, offset);
      const part = into.subarray(0, bytesRead);
      let [lines, bytes] = [0, 0];
      for (let end = part.indexOf(LINE_FEED); end >= 0 && lines < maxLines; end = part.indexOf(LINE_FEED, bytes)) {
        lines += 1;
        bytes = end + 1;
      }
      return { lines, bytes };
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}

async function readBytes(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, offset);
  return buffer.subarray(0, bytesRead);
}

const TAIL_BYTES = 65_536;

/** Drops a last line that a crash has cut off: every line of a file is whole then. */
export async function dropTornLine(file: FileHandle): Promise<void> {
  const { size } = await file.stat();
  const start = Math.max(0, size - TAIL_BYTES);
  const tail = await readBytes(file, start, size - start);
  const end = start + tail.lastIndexOf(LINE_FEED) + 1;
  if (end < size) await file.truncate(end);
}
