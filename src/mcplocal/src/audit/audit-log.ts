import { type FileHandle, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { McpctlError } from "@mcpctl/shared/errors.ts";

const FLUSH_MS = 200;
const CURRENT = "calls.jsonl";
const FULL = /^calls-\d+\.jsonl$/;

export interface AuditLogOptions {
  directory: string;
  /** A file that is larger than this is followed by a new one. */
  maxFileBytes?: number;
  /** How many full files are kept. */
  maxFiles?: number;
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
    return new FileAuditLog(options, await openCurrent(directory));
  } catch (cause) {
    throw new McpctlError("config-invalid", `The audit directory ${directory} cannot be used: ${String(cause)}`, {
      hint: "Choose a directory that mcplocal may write in with --audit-dir",
      cause,
    });
  }
}

function openCurrent(directory: string): Promise<FileHandle> {
  return open(join(directory, CURRENT), "a", 0o600);
}

class FileAuditLog implements AuditLog {
  readonly #options: Required<AuditLogOptions>;
  #file: FileHandle;
  #fileBytes: number | undefined;
  #batch = "";
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
    if (this.#batch.length + line.length > this.#options.maxUnwrittenBytes) {
      this.lostLines += 1;
      return;
    }
    this.#batch += line;
    this.#timer ??= setTimeout(() => void this.#flush(), FLUSH_MS).unref();
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#flush();
    await this.#file.close();
  }

  #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
      if (this.#batch !== "") this.#timer ??= setTimeout(() => void this.#flush(), FLUSH_MS).unref();
    });
    return this.#writing;
  }

  async #write(): Promise<void> {
    const lines = Buffer.from(this.#batch);
    if (lines.length === 0) return;
    this.#batch = "";
    let written = 0;
    try {
      this.#fileBytes ??= (await this.#file.stat()).size;
      while (written < lines.length) {
        const { bytesWritten } = await this.#file.write(lines, written);
        written += bytesWritten;
        this.#fileBytes += bytesWritten;
      }
      this.#hasFailed = false;
      if (this.#fileBytes > this.#options.maxFileBytes) await this.#rotate();
    } catch (thrown) {
      // A part of a line may have been written; its rest follows as soon as there is room.
      this.#batch = lines.toString("utf8", written) + this.#batch;
      if (!this.#hasFailed) this.#options.onFailed(thrown);
      this.#hasFailed = true;
    }
  }

  async #rotate(): Promise<void> {
    const { directory, epochMs, maxFiles } = this.#options;
    await rename(join(directory, CURRENT), join(directory, `calls-${epochMs()}.jsonl`));
    const full = this.#file;
    this.#file = await openCurrent(directory);
    this.#fileBytes = 0;
    await full.close();
    const files = (await readdir(directory)).filter((name) => FULL.test(name)).toSorted();
    for (const name of files.slice(0, -maxFiles)) await rm(join(directory, name));
  }
}
