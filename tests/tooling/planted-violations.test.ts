import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import imports from "../../.dependency-cruiser.ts";
import { cleanSample } from "./clean-sample.ts";
import { importPlantFiles, importPlants, unreachableFile } from "./import-plants.ts";
import { commentPlants, lintPlants, needlessDisable } from "./lint-plants.ts";
import { createOverlay, type Overlay } from "./overlay.ts";

const lintConfiguration: { rules: Record<string, unknown> } = JSON.parse(
  readFileSync(join(import.meta.dirname, "..", "..", ".oxlintrc.json"), "utf8"),
);

describe("a tree of planted violations", () => {
  let overlay: Overlay;
  beforeAll(() => {
    const lintFiles = [...lintPlants, ...commentPlants, needlessDisable].map(({ path, code }) => [path, code]);
    overlay = createOverlay({
      ...importPlantFiles,
      ...Object.fromEntries(lintFiles),
      "src/shared/src/ugly.ts": "export   const ugly = 1\n",
      "src/shared/src/types/wrong.ts": 'export const wrong: number = "text";\n',
      "src/shared/src/types/enum.ts": "export enum Size {\n  Small,\n}\n",
      "src/shared/src/types/type-import.ts": 'import { Seed } from "./seed.ts";\nexport type Two = Seed;\n',
      "src/shared/src/types/seed.ts": "export type Seed = 1;\nexport const forgotten = 1;\n",
    });
  });
  afterAll(() => overlay.remove());

  describe("linter", () => {
    let lines: string[] = [];
    beforeAll(() => {
      lines = overlay.run("oxlint", "--type-aware", "--format=unix").output.split("\n");
    });

    it.each(lintPlants)("$rule bites in $path", ({ rule, path }) => {
      const [plugin, name] = rule.split("/");
      expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^${path}:.*\\[Error/${plugin}\\(${name}\\)\\]$`)));
    });

    it("reports a lint-disable that disables nothing", () => {
      expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^${needlessDisable.path}:.*[Uu]nused`)));
    });

    it("has a planted violation for each rule that is switched on", () => {
      const on = Object.entries(lintConfiguration.rules).filter(([, level]) => level !== "off");
      expect(lintPlants.map(({ rule }) => rule)).toEqual(expect.arrayContaining(on.map(([rule]) => rule)));
    });
  });

  describe("import rules", () => {
    let lines: string[] = [];
    beforeAll(() => {
      lines = overlay.run("node", "scripts/check-imports.ts").output.split("\n");
    });

    it.each(importPlants)("$rule bites for $from importing $to", ({ rule, from }) => {
      expect(lines).toContainEqual(expect.stringContaining(`error ${rule}: ${from} → `));
    });

    it("no-dead-files bites for a file that no entry reaches", () => {
      expect(lines).toContain(`  error no-dead-files: ${unreachableFile}`);
    });

    it("has a planted violation for each rule", () => {
      const planted = [...importPlants.map(({ rule }) => rule), "no-dead-files"];
      expect(new Set(planted)).toEqual(new Set(imports.forbidden.map(({ name }) => name)));
    });
  });

  it.each(commentPlants)("$rule bites in $path", ({ rule, path }) => {
    expect(overlay.run("node", "scripts/check-comments.ts").output).toContain(`${path}:1: ${rule}: `);
  });

  it("the formatter reports a file that it would change", () => {
    expect(overlay.run("oxfmt", "--check").output).toContain("src/shared/src/ugly.ts");
  });

  it("the compiler reports a wrong type, an enum and a type imported as a value", () => {
    const { output } = overlay.run("tsc", "--noEmit");
    expect(output).toMatch(/types\/wrong\.ts\(1,14\): error TS2322/);
    expect(output).toMatch(/types\/enum\.ts\(1,13\): error TS1294/);
    expect(output).toMatch(/types\/type-import\.ts\(1,10\): error TS1484/);
  });

  it("knip reports an export that nobody imports", () => {
    expect(overlay.run("knip", "--no-config-hints").output).toMatch(/^forgotten .*src\/shared\/src\/types\/seed\.ts/m);
  });

  it("makes each step of the whole check fail", () => {
    const { exitCode, output } = overlay.run("node", "scripts/check.ts");
    expect(output.match(/^(ok|FAILED) +\w+/gm)).toEqual(
      ["format", "lint", "comments", "types", "imports", "unused"].map((step) => `FAILED ${step}`),
    );
    expect(exitCode).toBe(1);
  });
});

describe("a clean tree", () => {
  let overlay: Overlay;
  beforeAll(() => {
    overlay = createOverlay(cleanSample);
  });
  afterAll(() => overlay.remove());

  it.each(["lint", "comments", "types", "imports"])("passes: %s", (step) => {
    expect(overlay.run("node", "scripts/check.ts", step)).toEqual({
      exitCode: 0,
      output: expect.stringMatching(/^ok +/),
    });
  });

  it("passes: format", () => {
    expect(overlay.run("oxfmt", "--check", "src/**/*.ts")).toMatchObject({ exitCode: 0 });
  });

  it("passes: unused files and exports", () => {
    expect(overlay.run("knip", "--no-config-hints", "--include", "files,exports,types")).toEqual({
      exitCode: 0,
      output: "",
    });
  });
});

it("the import rules refuse to pass when nothing was read", () => {
  const overlay = createOverlay({
    ".dependency-cruiser.ts": 'export default { options: { parser: "acorn", exclude: "." } };\n',
  });
  try {
    expect(overlay.run("node", "scripts/check-imports.ts")).toMatchObject({
      exitCode: 1,
      output: expect.stringContaining("but not: "),
    });
  } finally {
    overlay.remove();
  }
});
