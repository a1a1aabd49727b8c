import type { EndLimits } from "./server-process.ts";
import { STDIO_LIMITS, type StdioLimits } from "./stdio-upstream.ts";

export interface ProcessLimits extends EndLimits {
  stdio: StdioLimits;
  parallelStarts: number;
  /** A start that takes longer leaves its slot to the next one. */
  startSlotMs: number;
  /** A server that ran this long without ending starts its back-off anew. */
  healthyMs: number;
  /** How much of stderr is kept per instance. */
  stderrBytes: number;
}

export const PROCESS_LIMITS: ProcessLimits = {
  stdio: STDIO_LIMITS,
  stdinGraceMs: 2_000,
  termGraceMs: 3_000,
  parallelStarts: 8,
  startSlotMs: 5_000,
  healthyMs: 600_000,
  stderrBytes: 65_536,
};
