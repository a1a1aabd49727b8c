import { spawnSync } from "node:child_process";
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

const root = join(import.meta.dirname, "..", "..");
const CONFIGURATION = [
  ".dependency-cruiser.ts",
  ".oxfmtrc.json",
  ".oxlintrc.json",
  "knip.jsonc",
  "package.json",
  "pnpm-workspace.yaml",
  "scripts",
  "tsconfig.json",
];

/** A copy of the workspace outside the tree: its configuration and its tools, but other sources. */
export interface Overlay {
  run(program: string, ...args: string[]): { exitCode: number | null; output: string };
  remove(): void;
}

export function createOverlay(files: Record<string, string>): Overlay {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "mcpctl-overlay-")));
  for (const path of CONFIGURATION) cpSync(join(root, path), join(folder, path), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  for (const manifest of globSync("src/*/package.json", { cwd: root })) {
    cpSync(join(root, manifest), join(folder, manifest));
    linkDependencies(folder, join(dirname(manifest), "node_modules"));
  }
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  const env = { ...process.env, PATH: `${join(root, "node_modules", ".bin")}${delimiter}${process.env["PATH"] ?? ""}` };

  return {
    run(program, ...args) {
      const { status, stdout, stderr, error } = spawnSync(program, args, {
        cwd: folder,
        env,
        encoding: "utf8",
        timeout: 60_000,
      });
      if (error !== undefined) throw error;
      return { exitCode: status, output: `${stdout}${stderr}` };
    },
    remove() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Our own packages must lead to the overlay's sources, and all others to what is installed. */
function linkDependencies(folder: string, nodeModules: string) {
  for (const name of listPackages(join(root, nodeModules))) {
    const link = join(folder, nodeModules, name);
    mkdirSync(dirname(link), { recursive: true });
    const isOurs = name.startsWith("@mcpctl/");
    symlinkSync(
      isOurs ? join(folder, "src", name.slice("@mcpctl/".length)) : realpathSync(join(root, nodeModules, name)),
      link,
    );
  }
}

function listPackages(nodeModules: string): string[] {
  return readdirSync(nodeModules)
    .filter((name) => !name.startsWith("."))
    .flatMap((name) =>
      name.startsWith("@") ? readdirSync(join(nodeModules, name)).map((inner) => `${name}/${inner}`) : [name],
    );
}
