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
