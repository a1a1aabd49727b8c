import type { Writable } from "node:stream";

export interface LineWriter {
  /** Sends the line with all others of this tick. @returns false, and sends nothing, when too much is unsent already. */
  write(line: string): boolean;
  /** What has been taken but not sent yet. */
  readonly unsentBytes: number;
}

/** Gathers the lines of one turn of the event loop in one write: a system call costs more than a message. */
export function createLineWriter(stdin: Writable, maxUnsentBytes: number): LineWriter {
  let batch = "";
  let unsentBytes = 0;

  function flush(): void {
    const text = batch;
    const bytes = Buffer.byteLength(text);
    batch = "";
    stdin.write(text, () => (unsentBytes -= bytes));
  }

  return {
    get unsentBytes() {
      return unsentBytes;
    },
    write(line) {
      const bytes = Buffer.byteLength(line) + 1;
      if (unsentBytes + bytes > maxUnsentBytes) return false;
      unsentBytes += bytes;
      if (batch === "") setImmediate(flush);
      batch += `${line}\n`;
      return true;
    },
  };
}
