import { DEMO_PROJECT } from "./demo.ts";

/** The first line of stdout with `-o json`: everything that a script needs. */
export interface UpReport {
  /** Base URL of the REST API. */
  api: string;
  /** Full MCP URL of the gateway. */
  gateway: string;
  project: string;
  /** Bearer for the MCP endpoint of the project. */
  token: string;
  /** Bearer of an administrator's session for the REST API. */
  session: string;
}

export interface Reported extends UpReport {
  /** Whether a tool of the demo was called. */
  isProven: boolean;
  dataDir: string;
  /** How this user calls mcpctl, such as `npx pnpm@12 mcpctl`. */
  cliCommand: string;
  /** Whether the API listens elsewhere than where the CLI looks by itself. */
  isElsewhere: boolean;
}

/** What `mcpctl up` prints for a person who has never seen it. */
export function formatReport(reported: Reported): string[] {
  const { api, gateway, token, session, isProven, dataDir, cliCommand, isElsewhere } = reported;
  return [
    isProven
      ? "mcpctl is up: a real tool was called through the gateway with the token below."
      : "mcpctl is up, but the demo does not work; see above.",
    "",
    `  MCP endpoint   ${gateway}   (project ${DEMO_PROJECT})`,
    `  Token          ${token}`,
    `  REST API       ${api}`,
    `  Data           ${dataDir}`,
    "",
    "Ask the endpoint for its tools:",
    "",
    ...curlLines(gateway, token),
    "",
    "Give it to an MCP client (.mcp.json of Claude Code, or mcpServers of another):",
    "",
    ...clientConfig(gateway, token),
    "",
    "Try next, in another terminal:",
    "",
    ...(isElsewhere ? [`  export MCPCTL_SERVER=${api}`] : []),
    `  export MCPCTL_TOKEN=${session}`,
    `  ${cliCommand} get servers`,
    `  ${cliCommand} describe server everything`,
    `  ${cliCommand} create mcptoken my-agent -p ${DEMO_PROJECT} --ttl 30d`,
    "",
    "Token and session are new at every start. Press Ctrl-C to stop.",
  ];
}

function curlLines(gateway: string, token: string): string[] {
  return [
    `  curl -s ${gateway} \\`,
    `    -H 'Authorization: Bearer ${token}' \\`,
    "    -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \\",
    "    -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: tools/list' \\",
    `    -d '${JSON.stringify(listMessage())}'`,
  ];
}

function listMessage() {
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "curl", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  return { jsonrpc: "2.0", id: 1, method: "tools/list", params: { _meta } };
}

function clientConfig(gateway: string, token: string): string[] {
  const config = {
    mcpServers: { [DEMO_PROJECT]: { type: "http", url: gateway, headers: { Authorization: `Bearer ${token}` } } },
  };
  return JSON.stringify(config, null, 2)
    .split("\n")
    .map((line) => `  ${line}`);
}
