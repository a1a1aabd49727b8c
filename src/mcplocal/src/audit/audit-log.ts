import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { CURRENT, dropTornLine, listFullFiles, measureSpool } from "./spool.ts";

const FLUSH_MS = 200;
const PAGE_BYTES = 65_536;
/** A page waits for the disk so long that the heap would keep it as old; these are written on again and again. */
const MAX_SPARE_PAGES = 4;
/** How much of a spool may be written before its size is read again. */
const UNMEASURED_PART = 1 / 16;
/** UTF-8 has at most so many bytes for a UTF-16 unit. */
const BYTES_PER_UNIT = 3;

export interface AuditLogOptions {
  directory: string;
  /** A file that is larger than this is followed by a new one. */
  maxFileBytes?: number;
  /** How many full files are kept where nobody ships them. */
  maxFiles?: number;
  /** Of a spool: whoever ships a file removes it, and when all files have more than this, nothing is written. */
  maxSpoolBytes?: number | undefined;
  /** What is kept in memory while it cannot be written. */
  maxUnwrittenBytes?: number;
  /** Milliseconds since the epoch. */
  epochMs(): number;
  onFailed(thrown: unknown): void;
}

/** Lines that are appended to a file, a few times in a second, so that nobody waits for the disk. */
export interface AuditLog {
  append(line: string): void;
  /** Whether everything that was appended has been or is being written. */
  readonly isHealthy: boolean;
  /** Lines that were lost because they could not be written for too long. */
  readonly lostLines: number;
  /** Writes what is left. */
  close(): Promise<void>;
}

/** @throws {McpctlError} `config-invalid` when the directory cannot be written in. */
export async function openAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  const { directory } = options;
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const file = await openCurrent(directory);
    await dropTornLine(file);
    return new FileAuditLog(options, file);
  } catch (cause) {
    throw new McpctlError("config-invalid", `The audit directory ${directory} cannot be used: ${String(cause)}`, {
      hint: "Choose a directory that mcplocal may write in with --audit-dir",
      cause,
    });
  }
}

function openCurrent(directory: string): Promise<FileHandle> {
  return open(join(directory, CURRENT), "a+", 0o600);
}

class FileAuditLog implements AuditLog {
  readonly #options: Required<Omit<AuditLogOptions, "maxSpoolBytes">> & Pick<AuditLogOptions, "maxSpoolBytes">;
  #file: FileHandle;
  #fileBytes: number | undefined;
  /** Written since the spool was measured. */
  #unmeasuredBytes = Infinity;
  /** Lines are gathered as bytes: thousands of strings that wait would be copied by every collection of garbage. */
  #page: Buffer = Buffer.allocUnsafe(PAGE_BYTES);
  #used = 0;
  readonly #spares: Buffer[] = [];
  /** What is to be written before the page. */
  #unwritten: Buffer[] = [];
  #unwrittenBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #hasFailed = false;
  lostLines = 0;

  constructor(options: AuditLogOptions, file: FileHandle) {
    this.#options = { maxFileBytes: 64_000_000, maxFiles: 8, maxUnwrittenBytes: 16_000_000, ...options };
    this.#file = file;
  }

  get isHealthy(): boolean {
    return !this.#hasFailed;
  }

  append(line: string): void {
    const most = line.length * BYTES_PER_UNIT;
    if (this.#unwrittenBytes + this.#used + most > this.#options.maxUnwrittenBytes) {
      this.lostLines += 1;
      return;
    }
    if (this.#used + most > this.#page.length) {
      this.#turnPage(most);
      void this.#flush();
    }
    this.#used += this.#page.write(line, this.#used);
    this.#timer ??= setTimeout(() => void this.#flush(), FLUSH_MS).unref();
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#flush();
    await this.#file.close();
  }

  /** @param most - bytes that the next line may need. */
  #turnPage(most: number): void {
    if (this.#used > 0) this.#unwritten.push(this.#page.subarray(0, this.#used));
    this.#unwrittenBytes += this.#used;
    this.#used = 0;
    const spare = most <= PAGE_BYTES ? this.#spares.pop() : undefined;
    this.#page = spare ?? Buffer.allocUnsafe(Math.max(PAGE_BYTES, most));
  }

  #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
      const isWaiting = this.#unwritten.length > 0 || this.#used > 0;
      if (isWaiting) this.#timer ??= setTimeout(() => void this.#flush(), FLUSH_MS).unref();
    });
    return this.#writing;
  }

  async #write(): Promise<void> {
    if (this.#used > 0) this.#turnPage(0);
    try {
      await this.#requireRoom();
      this.#fileBytes ??= (await this.#file.stat()).size;
      for (let next = this.#unwritten[0]; next; next = this.#unwritten[0]) await this.#writePart(next);
      this.#hasFailed = false;
      if (this.#fileBytes > this.#options.maxFileBytes) await this.#rotate();
    } catch (thrown) {
      if (!this.#hasFailed) this.#options.onFailed(thrown);
      this.#hasFailed = true;
    }
  }

  /** @throws {McpctlError} `unavailable` when the spool is full. */
  async #requireRoom(): Promise<void> {
    const { directory, maxSpoolBytes } = this.#options;
    if (maxSpoolBytes === undefined) return;
    if (!this.#hasFailed && this.#unmeasuredBytes < maxSpoolBytes * UNMEASURED_PART) return;
    this.#unmeasuredBytes = 0;
    if ((await measureSpool(directory)) <= maxSpoolBytes) return;
    throw new McpctlError("unavailable", `The spool of recorded tool calls in ${directory} is full`, {
      hint: "See why mcpd does not take them; more fit with --audit-spool-bytes",
    });
  }

  /** A part of a line may be written before the disk is full; its rest follows as soon as there is room. */
  async #writePart(bytes: Buffer): Promise<void> {
    const { bytesWritten } = await this.#file.write(bytes);
    this.#fileBytes = (this.#fileBytes ?? 0) + bytesWritten;
    this.#unwrittenBytes -= bytesWritten;
    this.#unmeasuredBytes += bytesWritten;
    if (bytesWritten < bytes.length) {
      this.#unwritten[0] = bytes.subarray(bytesWritten);
      return;
    }
    this.#unwritten.shift();
    const { buffer } = bytes;
    if (buffer.byteLength === PAGE_BYTES && this.#spares.length < MAX_SPARE_PAGES)
      this.#spares.push(Buffer.from(buffer));
  }

  async #rotate(): Promise<void> {
    const { directory, epochMs, maxFiles, maxSpoolBytes } = this.#options;
    await rename(join(directory, CURRENT), join(directory, `calls-${epochMs()}.jsonl`));
    const full = this.#file;
    this.#file = await openCurrent(directory);
    this.#fileBytes = 0;
    await full.close();
    if (maxSpoolBytes !== undefined) return;
    for (const name of (await listFullFiles(directory)).slice(0, -maxFiles)) await rm(join(directory, name));
  }
}
