import { globSync } from "node:fs";

const FOLDERS = ["src", "tests", "scripts", "bench", "examples"];

/** Lists our TypeScript files below the working directory, sorted, as paths relative to it. */
export function listSourceFiles(): string[] {
  return globSync(["*.ts", ".*.ts", ...FOLDERS.map((folder) => `${folder}/**/*.ts`)], {
    exclude: (path) => /(^|\/)(node_modules|dist)$/.test(path),
  }).toSorted();
}
