import { defineCommand } from "../../command.ts";

export const testMcpCommand = defineCommand({
  description:
    "Speaks with the endpoint in the revision 2026-07-28 and in those with sessions, whichever it has, and breaks " +
    "their rules in order to see whether it notices. One line for each rule: ok, WARN (it should), FAIL (it must) or " +
    "skip. Nothing is changed at the server but by --call; each call is made once, in the newest revision.\n\n" +
    "The token: --token-file, --token-stdin, $MCPCTL_MCP_TOKEN, --token, which other users of this machine may see, " +
    "or -p PROJECT, which mints one for the test and deletes it afterwards.\n\n" +
    "Exit codes: 0 passed, 2 usage, 3 a token is needed or refused, 4 unreachable, 5 a tool is missing, fails or is " +
    "slow, 6 forbidden, 9 a rule of MCP is broken, 1 the conformance suite cannot be had. Of several, the first of " +
    "4, 3, 6, 9, 5, 1.",
  examples: [
    "mcpctl test mcp https://mcp.example.com/mcp --token-file token.txt",
    "mcpctl test mcp http://127.0.0.1:7420/mcp -p demo --expect-tool everything__echo",
    `mcpctl test mcp http://127.0.0.1:7420/mcp --call 'everything__echo={"message":"hi"}' --max-latency 500ms -o junit`,
  ],
  positionals: { url: { label: "URL", required: true, description: "Address of the endpoint." } },
  flags: {
    era: {
      type: "choice",
      choices: ["auto", "modern", "legacy"],
      default: "auto",
      description: "Which revisions to test: all that are spoken, the stateless one, or those with sessions.",
    },
    token: { type: "string", placeholder: "TOKEN", description: "Bearer token of the endpoint." },
    tokenFile: { type: "string", placeholder: "FILE", description: "File with the token in its first line." },
    tokenStdin: { type: "boolean", description: "Read the token from standard input." },
    project: {
      type: "string",
      short: "p",
      placeholder: "PROJECT",
      description: "Mint a token of this project with the current login, and delete it afterwards.",
    },
    header: { type: "strings", placeholder: "NAME=VALUE", description: "Header of every request. May be repeated." },
    call: {
      type: "strings",
      placeholder: "TOOL=JSON",
      description: "Call a tool with these arguments; it must succeed. May be repeated.",
    },
    expectTool: { type: "strings", placeholder: "TOOL", description: "Tool that has to be there. May be repeated." },
    maxLatency: {
      type: "string",
      placeholder: "500ms",
      description: "How long a page of tools/list and each call may take.",
    },
    slow: {
      type: "choice",
      choices: ["fail", "warn"],
      default: "fail",
      description: "What --max-latency makes of what is slower.",
    },
    timeout: { type: "string", placeholder: "10s", default: "10s", description: "Limit for one answer." },
    strict: { type: "boolean", description: "Let warnings fail." },
    tokenInQuery: {
      type: "boolean",
      description: "Try the token in the address of a remote endpoint too, where it may get into logs.",
    },
    conformance: {
      type: "boolean",
      description: "Also run the official conformance suite, which npx fetches; it wants tools of its own.",
    },
    output: {
      type: "choice",
      short: "o",
      choices: ["table", "json", "junit"],
      default: "table",
      description: "Form of the report.",
    },
  },

  async run(context, input) {
    const { runMcpTest } = await import("../../mcp-test/run-mcp-test.ts");
    await runMcpTest(context, input);
  },
});
