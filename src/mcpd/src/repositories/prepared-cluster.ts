import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";

const FORMAT = 1;
const LENGTH_BYTES = 4;
const COMPRESSION_LEVEL = 15;

interface PackedFile {
  path: string;
  /** Files of a cluster end in zeros, which are not packed. */
  size: number;
  /** Where its content lies behind the index. Equal files share theirs: a cluster holds the same database three times. */
  start: number;
  end: number;
}

interface Index {
  format: number;
  pgliteVersion: string;
  directories: string[];
  files: PackedFile[];
}

/** The version of the embedded engine: it made the files of a cluster, and another one need not understand them. */
function pgliteVersion(): string {
  const entry = createRequire(import.meta.url).resolve("@electric-sql/pglite");
  const manifest = readFileSync(join(entry, "..", "..", "package.json"), "utf8");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a package that is installed has a version
  return (JSON.parse(manifest) as { version: string }).version;
}

/** Packs the directory of a cluster that nobody has open. It holds no tables of ours, no data and no secret. */
export function packCluster(directory: string): Buffer {
  const index: Index = { format: FORMAT, pgliteVersion: pgliteVersion(), directories: [], files: [] };
  const contents: Buffer[] = [];
  const starts = new Map<string, number>();
  let length = 0;
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const absolute = join(entry.parentPath, entry.name);
    const path = relative(directory, absolute);
    if (entry.isDirectory()) {
      index.directories.push(path);
      continue;
    }
    const whole = readFileSync(absolute);
    const content = whole.subarray(0, whole.findLastIndex((byte) => byte !== 0) + 1);
    const hash = createHash("sha256").update(content).digest("hex");
    const start = starts.get(hash) ?? length;
    index.files.push({ path, size: whole.length, start, end: start + content.length });
    if (starts.has(hash)) continue;
    starts.set(hash, start);
    contents.push(content);
    length += content.length;
  }
  return compress(Buffer.from(JSON.stringify(index)), contents);
}

function compress(index: Buffer, contents: readonly Buffer[]): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(index.length);
  const params = {
    [constants.ZSTD_c_compressionLevel]: COMPRESSION_LEVEL,
    [constants.ZSTD_c_checksumFlag]: 1,
  };
  return zstdCompressSync(Buffer.concat([length, index, ...contents]), { params });
}

/**
 * Unpacks a prepared cluster into a directory that is not there yet. A file that is missing, damaged or of another
 * version of the engine is no fault: the cluster can be made the slow way.
 *
 * @returns false when there is nothing to use; then nothing was written.
 * @throws what the file system says when it cannot be written.
 */
export function unpackCluster(file: string, directory: string): boolean {
  const prepared = read(file);
  if (!prepared) return false;
  const { index, contents } = prepared;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const path of index.directories) mkdirSync(join(directory, path), { recursive: true, mode: 0o700 });
  for (const { path, size, start, end } of index.files) {
    const target = join(directory, path);
    writeFileSync(target, contents.subarray(start, end), { mode: 0o600 });
    if (size > end - start) truncateSync(target, size);
  }
  return true;
}

/** Whether the file is whole and made by the version of the engine that is installed. */
export function isUsableCluster(file: string): boolean {
  return read(file) !== undefined;
}

function read(file: string): { index: Index; contents: Buffer } | undefined {
  try {
    const unpacked = zstdDecompressSync(readFileSync(file));
    const contentsAt = LENGTH_BYTES + unpacked.readUInt32LE();
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- packCluster wrote it, and the checksum of the frame holds
    const index = JSON.parse(unpacked.toString("utf8", LENGTH_BYTES, contentsAt)) as Index;
    const fits = index.format === FORMAT && index.pgliteVersion === pgliteVersion();
    return fits ? { index, contents: unpacked.subarray(contentsAt) } : undefined;
  } catch {
    return undefined;
  }
}
