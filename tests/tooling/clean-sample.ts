/** A small tree that every check accepts; it uses each exception that the import rules and lint rules make. */
export const cleanSample: Record<string, string> = {
  "src/shared/src/tokens/index.ts": `import { createHash } from "node:crypto";

export function hashToken(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
`,
  "src/cli/src/main.ts": `import { run } from "./bind-command.ts";

process.exit(await run());
`,
  "src/cli/src/config.ts": `export const readHome = () => process.env["HOME"];
`,
  "src/cli/src/bind-command.ts": `import { Command } from "commander";
import { parseRoleBinding } from "./commands/rbac-bindings.ts";
import { up } from "./commands/up.ts";
import { readHome } from "./config.ts";

export async function run(): Promise<number> {
  const command = new Command(parseRoleBinding(readHome() ?? "mcpctl"));
  return command.name() === "up" ? await up() : 0;
}
`,
  "src/cli/src/commands/rbac-bindings.ts": `export const parseRoleBinding = (entry: string) => entry.trim();
`,
  "src/cli/src/commands/up.ts": `import { hashToken } from "@mcpctl/shared/tokens/index.ts";
import { parseRoleBinding } from "./rbac-bindings.ts";

export async function up(): Promise<number> {
  const { startAll } = await import("@mcpctl/up/start-all.ts");
  return await startAll(hashToken(parseRoleBinding("role:view")));
}
`,
  "src/up/src/start-all.ts": `import { createApp } from "@mcpctl/mcpd/routes/app.ts";
import { createPool } from "@mcpctl/mcplocal/upstreams/pool.ts";

export async function startAll(name: string): Promise<number> {
  await createApp({ name }).close();
  await createPool().close();
  return 0;
}
`,
  "src/mcpd/src/main.ts": `import { createRelay } from "./relay/relay.ts";
import { connect } from "./repositories/connect.ts";
import { createApp } from "./routes/app.ts";

await Promise.all([createApp({ name: "mcpd" }).close(), connect().destroy(), createRelay().close()]);
`,
  "src/mcpd/src/routes/app.ts": `import fastify from "fastify";

export function createApp({ name }: { name: string }) {
  const app = fastify();
  app.get("/livez", () => ({ name }));
  return app;
}
`,
  // The script that packs the prepared database uses it.
  "src/mcpd/src/repositories/prepared-cluster.ts": `export const isUsableCluster = (file: string) => file !== "";
export const packCluster = (files: string) => Buffer.from(files);
`,
  "src/mcpd/src/relay/relay.ts": `import { Agent } from "undici";

export function createRelay(): { close(): Promise<void> } {
  const agent: unknown = new Agent();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a reasoned exception is accepted
  return agent as Agent;
}
`,
  "src/mcpd/src/repositories/connect.ts": `import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";

export function connect() {
  return new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool: new pg.Pool() }) });
}
`,
  "src/mcpd/src/repositories/pglite-worker.ts": `import { PGlite } from "@electric-sql/pglite";
import { isUsableCluster } from "./prepared-cluster.ts";

if (isUsableCluster("cluster")) await new PGlite().close();
`,
  "src/mcplocal/src/serve.ts": `import { redact } from "./pipeline/stages/redact.ts";
import { createPool } from "./upstreams/pool.ts";

redact("text");
await createPool().close();
`,
  "src/mcplocal/src/pipeline/stages/redact.ts": `import { PATTERN } from "./redact/pattern.ts";

export const redact = (text: string) => text.replace(PATTERN, "");
`,
  "src/mcplocal/src/pipeline/stages/redact/pattern.ts": `export const PATTERN = /mcpctl_pat_\\w+/g;
`,
  "src/mcplocal/src/upstreams/pool.ts": `export const createPool = () => ({ close: () => Promise.resolve() });
`,
  "src/mcpd/tests/routes/app.test.ts": `import { expect, it } from "vitest";
import { createApp } from "../../src/routes/app.ts";

it("answers with its name", async () => {
  const answer = await createApp({ name: process.env["NAME"] ?? "x" }).inject("/livez");
  expect(JSON.parse(answer.body).name).toBe("x");
});
`,
};
