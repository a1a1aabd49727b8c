import type { Readable, Writable } from "node:stream";
import { createLineMemory } from "@mcpctl/shared/mcp/line-memory.ts";
import { type LineLimits, LineUpstream, type LineUpstreamOptions } from "@mcpctl/shared/mcp/line-upstream.ts";
import { toPlainText } from "./plain-text.ts";

export type StdioLimits = LineLimits;

export const STDIO_LIMITS: StdioLimits = {
  probeMs: 3_000,
  maxLineBytes: 10 * 1024 * 1024,
  maxUnsentBytes: 16 * 1024 * 1024,
  maxRequests: 2_048,
};

type CommonOptions = Pick<LineUpstreamOptions, "server" | "startTimeoutSeconds" | "timeoutSeconds" | "knownEra">;

export interface StdioUpstreamOptions extends CommonOptions {
  stdin: Writable;
  stdout: Readable;
  limits?: StdioLimits | undefined;
  /** Called when a pipe has ended, so that no answer can come any more, though the process may live. */
  onBroken(): void;
}

const TURNS = { defer: setImmediate, deferBriefly: process.nextTick };
const GARBAGE_LENGTH = 200;

/** A connection to a server over the pipes of its process. */
export class StdioUpstream extends LineUpstream {
  readonly #stdin: Writable;

  constructor({ stdin, stdout, onBroken, limits = STDIO_LIMITS, ...options }: StdioUpstreamOptions) {
    super({ ...options, limits, sink: stdin, ...TURNS, memory: createLineMemory(Buffer) });
    this.#stdin = stdin;
    stdout.on("data", this.receive).on("end", onBroken).on("error", onBroken);
    stdin.on("error", onBroken);
  }

  /** Lines on stdout that are no messages: how many, and the start of the last one. */
  get garbage(): { count: number; last: string } {
    const { count, start } = this.lastGarbage;
    return { count, last: toPlainText(Buffer.from(start).toString(), GARBAGE_LENGTH) };
  }

  override async close(): Promise<void> {
    await super.close();
    this.#stdin.end();
  }
}
