import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { findFreePort } from "../support/free-port.ts";
import { type Finished, run } from "../support/programs.ts";
import { resultsIn, says, startChatEndpoint, wants } from "./support/chat-endpoint.ts";
import { type Stack, startStack } from "./support/stack.ts";
import { verifies } from "./support/verifies.ts";

const AGENT = join(import.meta.dirname, "..", "..", "examples", "vllm-agent", "main.ts");

describe("the agent of the examples, with a scripted model and the demo project", () => {
  let stack: Stack;
  let tokenFile: string;
  beforeAll(async () => {
    stack = await startStack();
    const { stdout } = await stack.mcpctl(["create", "mcptoken", "agent", "-p", "demo"]);
    tokenFile = await stack.write("agent.token", stdout);
  });
  afterAll(() => stack?.[Symbol.asyncDispose]());

  function ask(baseUrl: string, args: readonly string[] = [], env: Record<string, string> = {}): Promise<Finished> {
    const common = { OPENAI_BASE_URL: baseUrl, OPENAI_MODEL: "scripted", MCP_URL: stack.up.gateway };
    return run(AGENT, ["--token-file", tokenFile, ...args, "What", "is", "there?"], { env: { ...common, ...env } });
  }

  verifies("agent:conversation", async () => {
    await using model = await startChatEndpoint([
      wants(["everything__echo", '{"message":"first"}'], ["everything__get-sum", '{"a":20,"b":22}']),
      wants(["files__list_allowed_directories", ""]),
      (asked) => ({ content: `I was told ${JSON.stringify(resultsIn(asked))}` }),
    ]);
    const { exitCode, stdout, stderr } = await ask(model.baseUrl);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr:
        'everything__echo {"message":"first"}\n' +
        'everything__get-sum {"a":20,"b":22}\n' +
        "files__list_allowed_directories \n",
    });
    expect(stdout).toMatch(/^I was told /);
    const [first, second, third] = model.asked;
    expect(first?.messages).toEqual([{ role: "user", content: "What is there?" }]);
    expect(first?.model).toBe("scripted");
    const echo = first?.tools?.find((tool) => tool.function.name === "everything__echo");
    expect(echo?.function.parameters).toMatchObject({ type: "object", required: ["message"] });
    expect(second && resultsIn(second)).toEqual({
      "call-0": expect.stringContaining("first"),
      "call-1": expect.stringContaining("42"),
    });
    expect(third?.messages.at(-1)).toMatchObject({ role: "tool", content: expect.stringContaining("docs") });
    expect(third?.tools).toEqual(first?.tools);
  });

  verifies("agent:tool-errors", async () => {
    await using model = await startChatEndpoint([
      wants(
        ["files__read_text_file", '{"path":"/etc/passwd"}'],
        ["everything__nope", "{}"],
        ["everything__echo", '{"message":'],
      ),
      says("I could not"),
    ]);
    expect(await ask(model.baseUrl)).toMatchObject({ exitCode: 0, stdout: "I could not\n" });
    expect(model.asked[1] && resultsIn(model.asked[1])).toEqual({
      "call-0": expect.stringMatching(/^The tool failed: .*denied/),
      "call-1": expect.stringMatching(/^The tool failed: .*Unknown tool: everything__nope/),
      "call-2": expect.stringContaining("no JSON object"),
    });
  });

  verifies("agent:content", async () => {
    await using model = await startChatEndpoint([
      wants(["everything__get-tiny-image", "{}"], ["everything__get-structured-content", '{"location":"Chicago"}']),
      says("seen"),
    ]);
    expect(await ask(model.baseUrl)).toMatchObject({ exitCode: 0, stdout: "seen\n" });
    const results = model.asked[1] ? resultsIn(model.asked[1]) : {};
    expect(results["call-0"]).toContain("[image of type image/png, which cannot be shown here]");
    const weather = { temperature: expect.any(Number), conditions: expect.any(String), humidity: expect.any(Number) };
    expect(JSON.parse(results["call-1"] ?? "")).toEqual(weather);
  });

  verifies("agent:steps", async () => {
    await using model = await startChatEndpoint([wants(["everything__echo", '{"message":"again"}'])]);
    const ended = await ask(model.baseUrl, ["--max-steps", "3"]);
    expect(ended).toMatchObject({ exitCode: 5, stdout: "", stderr: expect.stringContaining("within 3 steps") });
    expect(model.asked).toHaveLength(3);
  });

  verifies("agent:refused", async () => {
    await using model = await startChatEndpoint([says("never")]);
    const wrong = await stack.write("wrong.token", `mcpctl_pat_${"x".repeat(43)}\n`);
    const refused = await ask(model.baseUrl, ["--token-file", wrong]);
    expect(refused).toMatchObject({
      exitCode: 3,
      stdout: "",
      stderr: expect.stringMatching(/^Error: The token was refused/),
    });
    expect(model.asked).toEqual([]);
    const without = await run(AGENT, ["--model", "scripted", "Hello"]);
    expect(without).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("--token-file, MCP_TOKEN_FILE or") });
  });

  verifies("agent:down", async () => {
    const nowhere = `http://127.0.0.1:${await findFreePort()}`;
    const model = await ask(`${nowhere}/v1`);
    expect(model).toMatchObject({
      exitCode: 4,
      stdout: "",
      stderr: expect.stringContaining(`model cannot be reached`),
    });
    expect(model.stderr).toContain(`${nowhere}/v1/chat/completions`);
    const gateway = await ask(`${nowhere}/v1`, [], { MCP_URL: `${nowhere}/mcp` });
    expect(gateway).toMatchObject({ exitCode: 4, stderr: expect.stringContaining("gateway cannot be reached") });
  });
});
