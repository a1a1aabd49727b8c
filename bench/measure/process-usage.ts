import { readFileSync } from "node:fs";

const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4_096;

/** Processor seconds, in user and kernel mode, that these processes have used so far. A tick is 10 ms. */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.map(cpuSecondsOf).reduce((sum, seconds) => sum + seconds, 0);
}

/** Bytes of memory that a process holds, shared pages included. */
export function residentBytes(pid: number): number {
  const [, pages] = readFileSync(`/proc/${pid}/statm`, "latin1").split(" ");
  return Number(pages) * PAGE_BYTES;
}

function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The name of the program stands in parentheses and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
