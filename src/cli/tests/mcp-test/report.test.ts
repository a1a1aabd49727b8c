import { describe, expect, it } from "vitest";
import { type Plant, refuse, startConformingServer, TOKEN } from "../fakes/conforming-server.ts";
import { runMcpctl } from "../fakes/run-mcpctl.ts";

/** One of each: a failure with text that would command a terminal or end an XML document, a warning, a skip. */
const plant: Plant = (seen, decide) => {
  if (seen.headers.accept === "text/html") return refuse(seen, 400, -32600);
  if (seen.body["method"] !== "prompts/list") return decide(seen);
  const message = 'no <prompts> & "more"\u001b[2J\u202e\n\u009b2J\ufffe';
  return { status: 200, message: { id: seen.body["id"], error: { code: -32603, message } } };
};

async function report(flags: readonly string[], breaks = plant): Promise<string> {
  const server = await startConformingServer({ plant: breaks });
  try {
    const argv = ["test", "mcp", server.url, "--era", "modern", ...flags];
    const { transcript } = await runMcpctl(argv, { mcpToken: TOKEN });
    return withoutTimes(transcript.replaceAll(server.url, "http://127.0.0.1:7420/mcp"));
  } finally {
    await server.close();
  }
}

function withoutTimes(text: string): string {
  return text
    .replaceAll(/\btime="[\d.]+"/g, 'time="0.001"')
    .replaceAll(/"durationMs": \d+/g, '"durationMs": 1')
    .replaceAll(/it took \d+ ms/g, "it took 1 ms");
}

describe("the report", () => {
  it.each(["table", "json", "junit"])("as %s", async (form) => {
    const flags = ["--call", 'echo={"message":"hi"}', "--call", "fail", "-o", form];
    await expect(await report(flags)).toMatchFileSnapshot(`../golden/test-mcp-${form}.txt`);
  });

  it("of an endpoint that passes ends without an error", async () => {
    const text = await report(["-o", "table"], (seen, decide) => decide(seen));
    expect(text).toMatch(/\n\d+ checks: \d+ ok, 0 warned, 0 failed, 1 skipped\nexit 0\n$/);
  });

  it("says in JSON what else may be wrong, on standard error", async () => {
    expect(await report(["-o", "json"])).toMatch(/\nstderr: \{"error":\{"code":"protocol-violation",.*\}\nexit 9\n$/);
  });

  it("fails warnings in JUnit too when they are strict", async () => {
    const lenient = await report(["-o", "junit"]);
    expect(lenient).toContain('failures="1"');
    expect(lenient).toContain("<system-out>warning: got 400");
    expect(await report(["-o", "junit", "--strict"])).toContain('failures="2"');
  });
});
