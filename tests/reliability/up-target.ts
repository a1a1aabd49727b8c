import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { temporaryDir, type UpLine, upArgs } from "../e2e/support/stack.ts";
import { built, start } from "../support/programs.ts";
import { readStoredRows } from "./stored-rows.ts";
import { createProgram, type Target } from "./target.ts";

/** The built `mcpctl up` on its embedded database. */
export async function startUpTarget(): Promise<Target> {
  await using cleanup = new AsyncDisposableStack();
  const dir = cleanup.use(await temporaryDir()).path;
  const program = createProgram(
    () => start(built("mcpctl"), [...upArgs(dir), "-o", "json"]),
    async (running) => {
      const up = JSON.parse(await running.line(() => true)) as UpLine;
      return { url: up.api, token: up.session };
    },
  );
  cleanup.use(program);
  await program.start();
  const running = cleanup.move();
  const dataDir = join(dir, "data");
  return {
    engine: "pglite",
    victims: ["mcpctl up"],
    dataDir,
    program,
    kill: program.kill,
    recover: program.start,
    async rows() {
      await using database = await PGlite.create(join(dataDir, "postgresql"));
      return await readStoredRows(async (sql) => {
        const { rows } = await database.query<string[]>(sql, [], { rowMode: "array" });
        return JSON.stringify(rows[0]?.[0]);
      });
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
