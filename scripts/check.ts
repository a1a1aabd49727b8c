/** Runs every check, or those named on the command line, and prints one line for each. */
import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";

interface Step {
  name: string;
  command: [program: string, ...args: string[]];
}

const steps: Step[] = [
  { name: "format", command: ["oxfmt", "--check"] },
  { name: "lint", command: ["oxlint", "--type-aware"] },
  { name: "comments", command: ["node", "scripts/check-comments.ts"] },
  { name: "types", command: ["tsc", "--noEmit"] },
  { name: "imports", command: ["node", "scripts/check-imports.ts"] },
  { name: "unused", command: ["knip", "--no-config-hints"] },
];

const root = join(import.meta.dirname, "..");

// The tools start with the pinned Node, also when this script was not started by pnpm.
const toolFolder = join(root, "node_modules", ".bin");
const env = { ...process.env, PATH: `${toolFolder}${delimiter}${process.env["PATH"] ?? ""}` };

function run({ name, command: [program, ...args] }: Step): boolean {
  const startedAt = performance.now();
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: root, env, encoding: "utf8" });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const isPassed = status === 0;
  process.stdout.write(`${isPassed ? "ok    " : "FAILED"} ${name.padEnd(9)} ${seconds.padStart(5)} s\n`);
  if (!isPassed) process.stdout.write(error === undefined ? `${stdout}${stderr}\n` : `${program}: ${error.message}\n`);
  return isPassed;
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !steps.some((step) => step.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `No check named ${unknown.join(", ")}; there are ${steps.map((step) => step.name).join(", ")}.\n`,
  );
  process.exit(2);
}
const results = steps.filter(({ name }) => wanted.length === 0 || wanted.includes(name)).map(run);
process.exitCode = results.every(Boolean) ? 0 : 1;
