import type { LineMemory } from "./line-memory.ts";
import { releaseMemory } from "./release-memory.ts";

const LINE_FEED = 0x0a;
const END_BYTES = 256;
const MAX_GUESSED_BYTES = 1024 * 1024;
/** A view of a chunk keeps all of its memory until somebody has read the line; a long line is copied instead. */
const MAX_VIEWED_BYTES = 32 * 1024 - 1;
const NOTHING = new Uint8Array(0);

export interface LineSplitterOptions {
  maxLineBytes: number;
  memory: LineMemory;
  /** @param isOwn - whether the line is all that its memory holds, so that it may be given back. */
  onLine(line: Uint8Array, isOwn: boolean): void;
  /** Called when a line over the limit has ended, with its first and its last bytes; the rest was let go. */
  onLongLine(head: Uint8Array, tail: Uint8Array): void;
}

/**
 * Cuts a stream of bytes at line feeds. A short line that came in one chunk is a view of it, not a copy; the memory of a
 * chunk without such a line is released.
 *
 * @returns what takes the next chunk, and takes it over.
 */
export function createLineSplitter(options: LineSplitterOptions): (chunk: Uint8Array) => void {
  const { maxLineBytes, memory, onLine, onLongLine } = options;
  let kept: Uint8Array = NOTHING;
  let size = 0;
  /** Of the last line that came in several chunks: the next is often as long, and then finds its room at once. */
  let lastSize = 0;
  let long: { head: Uint8Array; tail: Uint8Array } | undefined;

  function keep(part: Uint8Array): void {
    if (long) {
      long.tail = endOf(long.tail, part);
    } else if (size + part.length > maxLineBytes) {
      const start = size === 0 ? part : kept.subarray(0, size);
      long = { head: new Uint8Array(start.subarray(0, END_BYTES)), tail: endOf(kept.subarray(0, size), part) };
      kept = NOTHING;
    } else {
      if (size + part.length > kept.length) kept = grown(part.length);
      kept.set(part, size);
      size += part.length;
    }
  }

  /** Doubles what is too small: a server that writes a long line byte by byte must cost neither time nor memory. */
  function grown(by: number): Uint8Array {
    const larger = memory.take(Math.max(size + by, 2 * kept.length, lastSize));
    larger.set(kept.subarray(0, size));
    memory.giveBack(kept);
    return larger;
  }

  /** @returns whether the line is a view of the chunk. */
  function endLine(last: Uint8Array): boolean {
    if (size === 0 && !long && last.length <= Math.min(maxLineBytes, MAX_VIEWED_BYTES)) {
      onLine(last, false);
      return true;
    }
    keep(last);
    const [line, ends] = [kept.subarray(0, size), long];
    lastSize = Math.min(size, MAX_GUESSED_BYTES);
    kept = NOTHING;
    size = 0;
    long = undefined;
    if (ends) onLongLine(ends.head, ends.tail);
    else onLine(line, true);
    return false;
  }

  return (chunk) => {
    let start = 0;
    let isViewed = false;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      isViewed = endLine(chunk.subarray(start, end)) || isViewed;
      start = end + 1;
    }
    if (start < chunk.length) keep(chunk.subarray(start));
    if (!isViewed) releaseMemory(chunk);
  };
}

/** A copy of the last bytes of both together. */
function endOf(before: Uint8Array, part: Uint8Array): Uint8Array {
  const last = part.subarray(-END_BYTES);
  const rest = END_BYTES - last.length;
  const first = rest === 0 ? NOTHING : before.subarray(-rest);
  const end = new Uint8Array(first.length + last.length);
  end.set(first);
  end.set(last, first.length);
  return end;
}
