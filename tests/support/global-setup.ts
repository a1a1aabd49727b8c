import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..", "..");

/** Builds the programs once, since end-to-end tests drive what is shipped. */
export function setup() {
  const { status } = spawnSync(process.execPath, [join(root, "scripts", "build.ts")], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (status === 0) return;
  // The run fails, but unit tests still answer; without dist/ no test can pass on an earlier build.
  process.stderr.write("The build failed\n");
  process.exitCode = 1;
  rmSync(join(root, "dist"), { recursive: true, force: true });
}
