import { readdir, readFile } from "node:fs/promises";

/** Pids of living processes whose command line or environment holds a text, this process apart. */
export async function processesNaming(text: string): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const files = await Promise.all([readProc(pid, "cmdline"), readProc(pid, "environ")]);
      return files.some((content) => content.includes(text)) && !(await isZombie(pid)) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}

/** Pids of everything that a process has started, and that those have started. */
export async function descendantsOf(pid: number): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry));
  const parents = new Map(
    await Promise.all(pids.map(async (entry) => [Number(entry), await parentOf(entry)] as const)),
  );
  const below = (parent: number): number[] =>
    [...parents].filter(([, its]) => its === parent).flatMap(([child]) => [child, ...below(child)]);
  return below(pid);
}

async function parentOf(pid: string): Promise<number> {
  // The command in the second field may hold anything, parentheses included; the parent stands behind the last one.
  const [, parent] = /.*\) \S (\d+)/s.exec(await readProc(pid, "stat")) ?? [];
  return Number(parent ?? -1);
}

/** Which of these processes still live. */
export async function living(pids: readonly number[]): Promise<number[]> {
  const states = await Promise.all(
    pids.map(async (pid) => /^State:\s+[^ZX]/m.test(await readProc(`${pid}`, "status"))),
  );
  return pids.filter((_, at) => states[at]);
}

/** Waits until a condition holds. @throws after the given time. */
export async function eventually(isTrue: () => Promise<boolean>, what: string, withinMs = 10_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error(`It did not happen within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function isZombie(pid: string): Promise<boolean> {
  return /^State:\s+Z/m.test(await readProc(pid, "status"));
}

async function readProc(pid: string, file: string): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return ""; // It ended while we looked.
  }
}
