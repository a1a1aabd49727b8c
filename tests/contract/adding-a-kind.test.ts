import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Running, start } from "../support/programs.ts";

const exec = promisify(execFile);
const ROOT = join(import.meta.dirname, "..", "..");
const PASSWORD = "a password for the test";

const WIDGETS = `import * as z from "zod";
import { CRUD, defineKind } from "./kind.ts";

export const widgets = defineKind({
  kind: "Widget",
  singular: "widget",
  plural: "widgets",
  shortNames: ["wd"],
  scope: "global",
  nameForm: "dns",
  summary: "Something that did not exist before.",
  verbs: CRUD,
  spec: z.strictObject({ colour: z.enum(["red", "blue"]).describe("What it looks like.") }),
  status: z.strictObject({}),
  listMapKeys: {},
  columns: [{ header: "Colour", description: "What it looks like.", value: (w) => w.spec.colour }],
  examples: [{ metadata: { name: "one" }, spec: { colour: "red" } }],
});
`;

/** A copy of the sources with one more kind: one file, and one entry in the list of kinds. */
async function copyWithWidgets(): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), "mcpctl-kind-"));
  await cp(join(ROOT, "src"), join(copy, "src"), { recursive: true, verbatimSymlinks: true });
  await symlink(join(ROOT, "node_modules"), join(copy, "node_modules"));
  const kinds = join(copy, "src", "shared", "src", "kinds");
  await writeFile(join(kinds, "widgets.ts"), WIDGETS);
  const index = await readFile(join(kinds, "index.ts"), "utf8");
  const withEntry = index.replace("  events,\n];", "  events,\n  widgets,\n];");
  expect(withEntry).not.toBe(index);
  await writeFile(join(kinds, "index.ts"), `import { widgets } from "./widgets.ts";\n${withEntry}`);
  return copy;
}

describe("a kind that is one file and one list entry", () => {
  let copy: string;
  let mcpd: Running;
  let env: Record<string, string>;

  beforeAll(async () => {
    copy = await copyWithWidgets();
    const data = join(copy, "data");
    mcpd = start(join(copy, "src/mcpd/src/main.ts"), ["--listen", "127.0.0.1:0", "--data-dir", data], {
      MCPD_ADMIN_PASSWORD: PASSWORD,
    });
    const api = (await mcpd.line((line) => line.startsWith("mcpd listens on "))).replace("mcpd listens on ", "");
    const login = await fetch(`${api}/api/v1/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ user: "admin", password: PASSWORD }),
    });
    const { token } = (await login.json()) as { token: string };
    env = { PATH: process.env["PATH"] ?? "", HOME: copy, MCPCTL_SERVER: api, MCPCTL_TOKEN: token };
  });
  afterAll(async () => {
    await mcpd?.[Symbol.asyncDispose]();
    await rm(copy, { recursive: true, force: true });
  });

  async function mcpctl(...args: string[]): Promise<string> {
    const { stdout } = await exec(process.execPath, [join(copy, "src/cli/src/main.ts"), ...args], { env, cwd: copy });
    return stdout;
  }

  it("has REST routes, OpenAPI, RBAC and a command line", async () => {
    const file = join(copy, "widget.yaml");
    await writeFile(file, "kind: Widget\nmetadata: { name: one }\nspec: { colour: red }\n");
    expect(await mcpctl("apply", "-f", file)).toBe("widget/one created\n");
    expect(await mcpctl("apply", "-f", file)).toBe("widget/one unchanged\n");
    expect(await mcpctl("get", "wd")).toMatch(/^NAME +COLOUR .*\none +red/);
    expect(await mcpctl("describe", "widget", "one")).toMatch(/colour: +red/i);
    await mcpctl("create", "rbac", "painters", "--subject", "User:bob", "--roleBindings", "role:view,resource:wd");
    expect(await mcpctl("get", "rbac", "painters", "-o", "json")).toContain('"widgets"');
    const openApi = await (await fetch(`${env["MCPCTL_SERVER"]}/openapi.json`)).text();
    expect(openApi).toContain("/api/v1/widgets/{name}");
    await writeFile(file, "kind: Widget\nmetadata: { name: one }\nspec: { color: red }\n");
    await expect(mcpctl("apply", "-f", file)).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining("colour"),
    });
    expect(await mcpctl("delete", "widget", "one")).toContain("widget/one deleted");
  });
});
