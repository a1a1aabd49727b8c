/** An import that must be reported, and the rule that must report it. */
export interface ImportPlant {
  rule: string;
  from: string;
  to: string;
  how?: "static" | "type" | "lazy";
}

const MCPD = "src/mcpd/src";
const CLI = "src/cli/src";
const MCPLOCAL = "src/mcplocal/src";

export const importPlants: ImportPlant[] = [
  { rule: "shared-imports-nobody", from: "src/shared/src/a.ts", to: "../../up/src/target.ts" },
  { rule: "shared-imports-nobody", from: "src/shared/src/b.ts", to: "@mcpctl/mcpd/target.ts" },
  { rule: "shared-runs-anywhere", from: "src/shared/src/c.ts", to: "node:fs" },
  { rule: "shared-runs-anywhere", from: "src/shared/src/d.ts", to: "node:crypto" },
  { rule: "shared-tokens-use-only-crypto", from: "src/shared/src/tokens/a.ts", to: "node:fs" },
  { rule: "programs-meet-on-the-wire", from: `${CLI}/a.ts`, to: "../../mcpd/src/target.ts" },
  { rule: "programs-meet-on-the-wire", from: `${MCPD}/a.ts`, to: "@mcpctl/mcplocal/target.ts" },
  { rule: "programs-meet-on-the-wire", from: `${MCPLOCAL}/a.ts`, to: "../../cli/src/target.ts", how: "type" },
  { rule: "up-is-the-top", from: `${MCPD}/b.ts`, to: "@mcpctl/up/target.ts", how: "lazy" },
  { rule: "up-is-the-top", from: `${MCPLOCAL}/b.ts`, to: "../../up/src/target.ts" },
  { rule: "up-never-imports-cli", from: "src/up/src/a.ts", to: "../../cli/src/target.ts" },
  { rule: "cli-loads-up-lazily", from: `${CLI}/b.ts`, to: "@mcpctl/up/target.ts" },
  { rule: "routes-go-through-services", from: `${MCPD}/routes/a.ts`, to: "../repositories/target.ts" },
  { rule: "routes-go-through-services", from: `${MCPD}/routes/b.ts`, to: "../repositories/target.ts", how: "type" },
  { rule: "services-never-know-http", from: `${MCPD}/services/a.ts`, to: "../routes/target.ts" },
  { rule: "repositories-know-nobody-above", from: `${MCPD}/repositories/a.ts`, to: "../routes/target.ts" },
  { rule: "repositories-know-nobody-above", from: `${MCPD}/repositories/b.ts`, to: "../services/target.ts" },
  { rule: "loops-never-know-http", from: `${MCPD}/orchestrators/a.ts`, to: "../routes/target.ts" },
  { rule: "loops-never-know-http", from: `${MCPD}/reconcilers/a.ts`, to: "../routes/target.ts" },
  { rule: "stages-are-strangers", from: `${MCPLOCAL}/pipeline/stages/a.ts`, to: "./target.ts" },
  { rule: "stages-are-strangers", from: `${MCPLOCAL}/pipeline/stages/target-other.ts`, to: "./target.ts" },
  { rule: "commands-are-strangers", from: `${CLI}/commands/a.ts`, to: "./target.ts" },
  { rule: "one-file-knows-fastify", from: `${MCPD}/routes/c.ts`, to: "fastify", how: "type" },
  { rule: "one-file-knows-fastify", from: `${MCPLOCAL}/c.ts`, to: "fastify" },
  { rule: "one-file-knows-commander", from: `${CLI}/commands/b.ts`, to: "commander" },
  { rule: "only-repositories-know-sql", from: `${MCPD}/services/b.ts`, to: "kysely" },
  { rule: "only-repositories-know-sql", from: `${MCPD}/services/c.ts`, to: "pg", how: "type" },
  { rule: "only-repositories-know-sql", from: `${MCPD}/services/d.ts`, to: "@electric-sql/pglite", how: "lazy" },
  { rule: "only-the-relay-dials-with-undici", from: `${MCPLOCAL}/sessions/a.ts`, to: "undici" },
  { rule: "one-folder-knows-openid", from: `${MCPD}/services/e.ts`, to: "openid-client", how: "lazy" },
  { rule: "nobody-imports-the-sdk", from: `${MCPLOCAL}/upstreams/a.ts`, to: "@modelcontextprotocol/client" },
  { rule: "no-circular", from: `${MCPD}/ring.ts`, to: "./ring-back.ts" },
  { rule: "nobody-imports-an-entry", from: `${MCPD}/c.ts`, to: "./main.ts" },
  { rule: "nobody-imports-an-entry", from: "tests/e2e/a.test.ts", to: "../../src/mcplocal/src/serve.ts" },
  { rule: "programs-never-import-tests", from: `${MCPD}/d.ts`, to: "../../../tests/support/target.ts" },
  { rule: "names-say-what-is-inside", from: `${MCPD}/e.ts`, to: "./string-utils.ts" },
  { rule: "imports-resolve", from: `${MCPD}/f.ts`, to: "./nowhere.ts" },
];

/** What the planted imports lead to. */
const targets: Record<string, string> = Object.fromEntries(
  [
    "src/up/src/target.ts",
    `${MCPD}/main.ts`,
    `${MCPD}/string-utils.ts`,
    `${MCPD}/target.ts`,
    `${MCPD}/routes/target.ts`,
    `${MCPD}/services/target.ts`,
    `${MCPD}/repositories/target.ts`,
    `${CLI}/target.ts`,
    `${CLI}/commands/target.ts`,
    `${MCPLOCAL}/serve.ts`,
    `${MCPLOCAL}/target.ts`,
    `${MCPLOCAL}/pipeline/stages/target.ts`,
    "tests/support/target.ts",
  ].map((path) => [path, "export const target = 1;\n"]),
);

function toCode({ to, how = "static" }: ImportPlant): string {
  if (how === "lazy") return `export const planted = () => import("${to}");\n`;
  if (how === "type") return `import type * as target from "${to}";\nexport type Planted = typeof target;\n`;
  return `import * as target from "${to}";\nexport const planted = target;\n`;
}

export const importPlantFiles: Record<string, string> = {
  ...targets,
  [`${MCPD}/ring-back.ts`]: 'export { planted as ring } from "./ring.ts";\n',
  [`${MCPD}/unreachable.ts`]: "export {};\n",
  ...Object.fromEntries(importPlants.map((plant) => [plant.from, toCode(plant)])),
};

export const unreachableFile = `${MCPD}/unreachable.ts`;
