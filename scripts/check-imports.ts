/** Checks the directions of imports against .dependency-cruiser.ts of the working directory. */
import { resolve } from "node:path";
import { cruise, format } from "dependency-cruiser";
import extractDepcruiseOptions from "dependency-cruiser/config-utl/extract-depcruise-options";
import { listSourceFiles } from "./source-files.ts";

const files = listSourceFiles();
const { output } = await cruise(files, await extractDepcruiseOptions(resolve(".dependency-cruiser.ts")));
if (typeof output === "string") throw new Error("dependency-cruiser answered with text instead of modules");

const read = new Set(output.modules.map((module) => module.source));
const unread = files.filter((file) => !read.has(file));
const report = await format(output, { outputType: "err-long" });
if (typeof report.output === "string") process.stdout.write(report.output);

// Without a parser for TypeScript the cruise reads nothing and finds nothing wrong.
if (files.length === 0 || unread.length > 0) {
  process.stdout.write(
    `dependency-cruiser read ${read.size} modules, but not: ${unread.join(", ") || "any of ours"}\n`,
  );
}
process.exitCode = report.exitCode > 0 || files.length === 0 || unread.length > 0 ? 1 : 0;
