import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FakeApi, startFakeApi } from "../fakes/fake-api.ts";
import { type RunOptions, runMcpctl, temporaryDirectory } from "../fakes/run-mcpctl.ts";

let api: FakeApi;
beforeEach(async () => {
  api = await startFakeApi();
});
afterEach(() => api[Symbol.asyncDispose]());

const run = (line: string | readonly string[], options: RunOptions = {}) =>
  runMcpctl(line, { server: api.url, ...options });
const sent = () => api.received.map(({ body }) => (body as { spec: object }).spec);

describe("create secret", () => {
  it("takes values from files as they are, from lines of a file, and from standard input", async () => {
    await using directory = await temporaryDirectory();
    const [file, lines] = [join(directory.path, "key"), join(directory.path, "env")];
    await writeFile(file, "with a newline\n");
    await writeFile(lines, "# comment\n\nexport A=1=2\nB=\r\n");
    const { out, err } = await run(
      ["create", "secret", "s", "--from-file", `key=${file}`, "--from-file", "in=-", "--from-env-file", lines],
      { stdin: "from stdin" },
    );
    expect([out, err]).toEqual([["secret/s created"], []]);
    expect(sent()).toEqual([{ data: { key: "with a newline\n", in: "from stdin", A: "1=2", B: "" } }]);
  });

  it("warns of values in the command, and repeats none of them", async () => {
    const { out, err } = await run("create secret s --from-literal a=visible-value --description text");
    expect(out).toEqual(["secret/s created"]);
    expect(err).toEqual([expect.stringMatching(/^Warning: .*--from-file/)]);
    expect(sent()).toEqual([{ description: "text", data: { a: "visible-value" } }]);
  });

  it.each([
    ["create secret s", "A secret needs a value"],
    ["create secret s --from-literal a=hidden --from-literal a=hidden", 'The key "a" is given twice'],
    ["create secret s --from-literal hidden", "--from-literal needs NAME=VALUE"],
    ["create secret s --from-literal a/b=hidden", "must consist of"],
    ["create secret s --from-file a=/nonexistent", "Cannot read /nonexistent: ENOENT"],
    ["create server s --command x --env-secret A=b", "--env-secret needs NAME=SECRET/KEY"],
  ])("refuses %s", async (line, message) => {
    const { err, code } = await run(line);
    expect(code).toBe(2);
    expect(err.join("\n")).toContain(message);
    expect(err.join("\n")).not.toContain("hidden");
    expect(api.received).toEqual([]);
  });
});

it("create server names secrets for its environment and headers", async () => {
  await run("create server a --command node --env A=1 --env-secret KEY=files/api-key");
  await run("create server b --url https://a.example --header-secret X-Key=search/key");
  expect(sent()).toEqual([
    {
      command: "node",
      env: [
        { name: "A", value: "1" },
        { name: "KEY", secretRef: { name: "files", key: "api-key" } },
      ],
    },
    { url: "https://a.example", headers: [{ name: "X-Key", secretRef: { name: "search", key: "key" } }] },
  ]);
});

it("create gateway prints the credential alone on standard output", async () => {
  const { out, err } = await run("create gateway edge");
  expect(out).toEqual(["mcpctl_gw_minted"]);
  expect(err.join()).toContain("only time");
});

it("a gateway cannot come from a file, because its credential is shown once", async () => {
  const { err, code } = await run("apply -f -", { stdin: "kind: Gateway\nmetadata: { name: edge }\nspec: {}\n" });
  expect(code).toBe(2);
  expect(err.join("\n")).toContain("mcpctl create gateway edge");
});

it("secrets rotate says how many were brought under which key", async () => {
  const { out } = await run("secrets rotate");
  expect(out).toEqual(["3 secrets brought under key 0123456789abcdef; none needs another key"]);
});
