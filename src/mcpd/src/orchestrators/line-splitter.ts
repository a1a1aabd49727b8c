const LINE_FEED = 0x0a;
const END_BYTES = 256;
const NOTHING = Buffer.alloc(0);

interface LineSplitterOptions {
  maxLineBytes: number;
  onLine(line: Uint8Array): void;
  /** Called when a line over the limit has ended, with its first and its last bytes; the rest was let go. */
  onLongLine(head: Uint8Array, tail: Uint8Array): void;
}

/** Cuts a stream of bytes at line feeds. A line that came in one chunk is a view of it, not a copy. */
export function createLineSplitter({ maxLineBytes, onLine, onLongLine }: LineSplitterOptions): (chunk: Buffer) => void {
  let kept: Buffer = NOTHING;
  let size = 0;
  let long: { head: Buffer; tail: Buffer } | undefined;

  function keep(part: Buffer): void {
    if (long) {
      long.tail = endOf(long.tail, part);
    } else if (size + part.length > maxLineBytes) {
      const start = size === 0 ? part : kept.subarray(0, size);
      long = { head: Buffer.from(start.subarray(0, END_BYTES)), tail: endOf(kept.subarray(0, size), part) };
      kept = NOTHING;
    } else {
      kept = grown(kept, { size, by: part.length });
      size += part.copy(kept, size);
    }
  }

  function endLine(last: Buffer): void {
    if (size === 0 && !long && last.length <= maxLineBytes) return onLine(last);
    keep(last);
    const [line, ends] = [kept.subarray(0, size), long];
    kept = NOTHING;
    size = 0;
    long = undefined;
    if (ends) onLongLine(ends.head, ends.tail);
    else onLine(line);
  }

  return (chunk) => {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      endLine(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start < chunk.length) keep(chunk.subarray(start));
  };
}

/** Doubles what is too small: a server that writes a long line byte by byte must cost neither time nor memory. */
function grown(buffer: Buffer, { size, by }: { size: number; by: number }): Buffer {
  if (size + by <= buffer.length) return buffer;
  const larger = Buffer.allocUnsafe(Math.max(size + by, 2 * buffer.length));
  buffer.copy(larger, 0, 0, size);
  return larger;
}

function endOf(before: Buffer, part: Buffer): Buffer {
  return Buffer.concat([before.subarray(-END_BYTES), part.subarray(-END_BYTES)]).subarray(-END_BYTES);
}
