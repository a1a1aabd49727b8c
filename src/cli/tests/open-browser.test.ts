import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openBrowser } from "../src/open-browser.ts";
import { temporaryDirectory } from "./fakes/run-mcpctl.ts";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
const opened = () => join(directory.path, "opened");

beforeEach(async () => {
  directory = await temporaryDirectory();
  const program = join(directory.path, "xdg-open");
  await writeFile(program, `#!/bin/sh\nprintf '%s\\n' "$#" "$@" > ${opened()}.tmp\nmv ${opened()}.tmp ${opened()}\n`);
  await chmod(program, 0o755);
  vi.stubEnv("PATH", `${directory.path}:${process.env["PATH"]}`);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await directory[Symbol.asyncDispose]();
});

describe("opening a browser", () => {
  it("hands the whole address to the program as one word, whatever is in it", async () => {
    openBrowser("https://id.example.com/auth?a=1&b=$(touch x);'\"`id`", "linux");
    const text = await vi.waitFor(() => readFile(opened(), "utf8"), { timeout: 10_000 });
    expect(text.split("\n")).toEqual(["1", "https://id.example.com/auth?a=1&b=$(touch%20x);%27%22`id`", ""]);
  });

  it("opens nothing but web addresses, and survives where there is no browser", async () => {
    for (const url of ["file:///etc/passwd", "javascript:alert(1)", "--version", ""]) openBrowser(url, "linux");
    vi.stubEnv("PATH", join(directory.path, "nowhere"));
    openBrowser("https://id.example.com/", "linux");
    await new Promise((resolve) => setTimeout(resolve, 300));
    await expect(readFile(opened(), "utf8")).rejects.toMatchObject({ code: "ENOENT" });
  });
});
