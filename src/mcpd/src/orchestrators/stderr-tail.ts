import { withoutSecrets } from "@mcpctl/shared/redact.ts";
import { toPlainText } from "./plain-text.ts";

const MAX_LINE_LENGTH = 2_000;

export interface StderrTail {
  push(chunk: Buffer): void;
  /** What the end of the stream says, as plain text without the secrets; a line that was cut at its start is left out. */
  read(): string;
  /** As `read`, but only what came since the last `mark`, and of that the last lines. */
  readSinceMark(maxLines: number): string;
  mark(): void;
}

/** Keeps the last bytes of a stream in memory, whatever the speed at which they come. */
export function createStderrTail(maxBytes: number, secretValues: readonly string[] = []): StderrTail {
  let ring = Buffer.alloc(0);
  let written = 0;
  let marked = 0;

  function readFrom(position: number): string {
    const from = Math.max(position, written - maxBytes, 0);
    const at = ring.length === 0 ? 0 : from % maxBytes;
    const size = written - from;
    const bytes = Buffer.concat([ring.subarray(at, at + size), ring.subarray(0, Math.max(0, at + size - maxBytes))]);
    const text = bytes.toString();
    return from > position ? text.slice(text.indexOf("\n") + 1) : text;
  }

  const clean = (text: string) => toPlainText(withoutSecrets(text, secretValues), MAX_LINE_LENGTH);
  return {
    push(chunk) {
      // Allocated by the first byte: most servers never write to stderr.
      if (ring.length === 0) ring = Buffer.alloc(maxBytes);
      const end = chunk.subarray(-maxBytes);
      const at = (written + chunk.length - end.length) % maxBytes;
      const copied = end.copy(ring, at);
      end.copy(ring, 0, copied);
      written += chunk.length;
    },
    read: () => clean(readFrom(0)),
    readSinceMark: (maxLines) => clean(readFrom(marked)).trimEnd().split("\n").slice(-maxLines).join("\n"),
    mark: () => void (marked = written),
  };
}
