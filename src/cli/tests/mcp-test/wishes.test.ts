import { setTimeout as sleep } from "node:timers/promises";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Plant, TOKEN } from "../fakes/conforming-server.ts";
import { runMcpctl, temporaryDirectory } from "../fakes/run-mcpctl.ts";
import { testServer } from "../fakes/test-mcp.ts";

function statusOf({ checks }: Awaited<ReturnType<typeof testServer>>, id: string) {
  return checks.find((check) => check.id === id);
}

describe("--expect-tool", () => {
  it("looks on every page, in every era", async () => {
    const tested = await testServer({}, ["--expect-tool", "echo", "--expect-tool", "old"]);
    expect({ code: tested.code, bad: tested.bad }).toEqual({ code: 0, bad: [] });
    expect(statusOf(tested, "modern.expect-tool.old")).toMatchObject({ status: "ok" });
    expect(statusOf(tested, "legacy.expect-tool.old")).toMatchObject({ status: "ok" });
  });

  it("ends with 5 when a tool is missing", async () => {
    const { code, bad, err } = await testServer({}, ["--expect-tool", "nope"]);
    expect({ code, bad }).toEqual({ code: 5, bad: ["modern.expect-tool.nope", "legacy.expect-tool.nope"] });
    expect(JSON.parse(err.join("\n"))).toMatchObject({ error: { code: "tool-error" } });
  });
});

describe("--call", () => {
  it("is made once, with headers for the arguments that want them, and its result is judged", async () => {
    let calls = 0;
    const plant: Plant = (seen, decide) => {
      if (seen.body["params"]?.name === "echo") calls += 1;
      return decide(seen);
    };
    const tested = await testServer({ plant }, ["--call", 'echo={"message":"a=b","region":"Köln"}']);
    expect(tested.bad).toEqual(["tools.call.1.echo"]);
    expect(statusOf(tested, "tools.call.1.echo")?.seen).toContain("-32020");
    expect(calls).toBe(1);
    const plain = await testServer({}, [
      "--call",
      'echo={"message":"a=b","region":"eu"}',
      "--call",
      'echo={"message":"c"}',
    ]);
    expect({ code: plain.code, bad: plain.bad }).toEqual({ code: 0, bad: [] });
  });

  it("ends with 5 when the tool fails, is missing, or asks for input", async () => {
    const tested = await testServer({}, ["--call", "fail", "--call", "nope={}", "--call", "ask"]);
    expect({ code: tested.code, bad: tested.bad }).toEqual({
      code: 5,
      bad: ["tools.call.1.fail", "tools.call.2.nope", "tools.call.3.ask"],
    });
    expect(statusOf(tested, "tools.call.1.fail")?.seen).toContain("the tool says: it did not");
    expect(statusOf(tested, "tools.call.3.ask")?.seen).toContain("asks for input");
  });

  it("fails when the result is not what outputSchema says", async () => {
    const tested = await testServer({}, ["--call", 'echo={"message":5}']);
    expect(tested.bad).toEqual(["tools.call.1.echo"]);
    expect(statusOf(tested, "tools.call.1.echo")?.seen).toContain("structuredContent breaks outputSchema: /said");
  });

  it("uses the session where there is no other revision", async () => {
    const { code, bad } = await testServer({ eras: ["legacy"] }, ["--call", 'echo={"message":"hi"}']);
    expect({ code, bad }).toEqual({ code: 0, bad: [] });
  });
});

describe("--max-latency", () => {
  const slowLists: Plant = async (seen, decide) => {
    if (seen.body["method"] === "tools/list") await sleep(40);
    return decide(seen);
  };

  it("fails what is slower, or only warns", async () => {
    const flags = ["--era", "modern", "--max-latency", "20ms"];
    const failed = await testServer({ plant: slowLists }, flags);
    expect({ code: failed.code, bad: failed.bad }).toEqual({ code: 5, bad: ["modern.list-latency"] });
    const warned = await testServer({ plant: slowLists }, [...flags, "--slow", "warn"]);
    expect({ code: warned.code, bad: warned.bad }).toEqual({ code: 0, bad: ["modern.list-latency"] });
    const strict = await testServer({ plant: slowLists }, [...flags, "--slow", "warn", "--strict"]);
    expect(strict.code).toBe(5);
  });

  it("holds for calls too, and passes what is fast", async () => {
    const slowCall: Plant = async (seen, decide) => {
      if (seen.body["params"]?.name === "old") await sleep(40);
      return seen.body["params"]?.name === "old"
        ? { status: 200, message: { id: seen.body["id"], result: { resultType: "complete", content: [] } } }
        : decide(seen);
    };
    const call = ["--call", "old", "--max-latency"];
    expect((await testServer({ plant: slowCall }, [...call, "20ms"])).bad).toContain("tools.call.1.old");
    expect((await testServer({ plant: slowCall }, [...call, "5m"])).bad).toEqual([]);
  });
});

describe("--strict", () => {
  it("lets a warning fail", async () => {
    const plant: Plant = (seen, decide) => (seen.headers.accept === "text/html" ? { status: 400 } : decide(seen));
    expect((await testServer({ plant })).code).toBe(0);
    expect(await testServer({ plant }, ["--strict"])).toMatchObject({ code: 9, bad: ["endpoint.accept"] });
  });
});

describe("the token", () => {
  const none = { mcpToken: undefined };

  it("comes from a file, standard input, the environment or the command line", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "token");
    await writeFile(path, `${TOKEN}\n`);
    expect((await testServer({}, ["--token-file", path], none)).code).toBe(0);
    expect((await testServer({}, ["--token-stdin"], { ...none, stdin: `${TOKEN}\n` })).code).toBe(0);
    expect((await testServer({}, ["--token", TOKEN], none)).code).toBe(0);
    expect((await testServer({}, [])).code).toBe(0);
    expect((await testServer({}, ["--header", `Authorization=Bearer ${TOKEN}`], none)).code).toBe(0);
  });

  it("is never the one for mcpd", async () => {
    expect((await testServer({}, [], { ...none, token: TOKEN })).code).toBe(3);
  });

  it("is not repeated when the server says it", async () => {
    const plant: Plant = (seen, decide) =>
      seen.body["method"] === "prompts/list"
        ? { status: 200, message: { id: 1, error: { code: 1, message: `no ${seen.headers.authorization}` } } }
        : decide(seen);
    const { out, bad } = await testServer({ plant });
    expect(bad).toContain("modern.lists");
    expect(out.join("\n")).not.toContain(TOKEN);
    expect(out.join("\n")).toContain("no Bearer [redacted]");
  });
});

describe("a command line that cannot be meant", () => {
  it.each([
    [["ftp://x"], "is no http or https URL"],
    [["http://user:secret@x/mcp"], "must not hold credentials"],
    [["http://x", "--timeout", "5"], "--timeout needs a time"],
    [["http://x", "--max-latency", "0ms"], "--max-latency needs a time"],
    [["http://x", "--call", "echo=[1]"], "--call needs TOOL=JSON"],
    [["http://x", "--call", "echo={"], "--call needs TOOL=JSON"],
    [["http://x", "--header", "X Y=1"], "--header has a name or a value"],
    [["http://x", "--token", "a", "-p", "demo"], "The token is given more than once"],
    [["http://x", "--token-file", "/nonexistent/file"], "Cannot read the token"],
  ])("is refused: %s", async (words, message) => {
    const { code, err } = await runMcpctl(["test", "mcp", ...words]);
    expect(code).toBe(2);
    expect(err.join("\n")).toContain(message);
    expect(err.join("\n")).not.toContain("secret");
  });
});
