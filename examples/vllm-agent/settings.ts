import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { AgentFailure } from "./failure.ts";

export interface Settings {
  question: string;
  /** Where chat completions are, up to and with `/v1`. */
  openaiBaseUrl: string;
  openaiApiKey: string | undefined;
  model: string;
  mcpUrl: string;
  mcpToken: string;
  /** How often the model is asked before the agent gives up. */
  maxSteps: number;
}

export const USAGE = `Usage: node examples/vllm-agent/main.ts [options] QUESTION

  --openai-base-url URL  chat completions, up to and with /v1 (OPENAI_BASE_URL; http://127.0.0.1:8000/v1 when absent)
  --model NAME           model to ask (OPENAI_MODEL)
  --mcp-url URL          endpoint of the project (MCP_URL; http://127.0.0.1:7420/mcp when absent)
  --token-file FILE      file with the token of the project (MCP_TOKEN_FILE; or the token itself in MCP_TOKEN)
  --max-steps N          how often the model is asked at most; 10 when absent

An endpoint that wants a key finds it in OPENAI_API_KEY.
`;

const OPTIONS = {
  "openai-base-url": { type: "string" },
  model: { type: "string" },
  "mcp-url": { type: "string" },
  "token-file": { type: "string" },
  "max-steps": { type: "string" },
} as const;

/** @throws {AgentFailure} `usage` */
export function readSettings(args: string[], env: NodeJS.ProcessEnv): Settings {
  const { values, positionals } = parse(args);
  const question = positionals.join(" ");
  if (question === "") throw new AgentFailure("usage", "There is no question");
  const maxSteps = Number(values["max-steps"] ?? 10);
  if (!Number.isInteger(maxSteps) || maxSteps < 1) throw new AgentFailure("usage", "--max-steps is no positive number");
  return {
    question,
    openaiBaseUrl: (values["openai-base-url"] ?? env["OPENAI_BASE_URL"] ?? "http://127.0.0.1:8000/v1").replace(
      /\/$/,
      "",
    ),
    openaiApiKey: env["OPENAI_API_KEY"],
    model: required(values.model ?? env["OPENAI_MODEL"], "--model or OPENAI_MODEL"),
    mcpUrl: values["mcp-url"] ?? env["MCP_URL"] ?? "http://127.0.0.1:7420/mcp",
    mcpToken: readToken(values["token-file"] ?? env["MCP_TOKEN_FILE"], env["MCP_TOKEN"]),
    maxSteps,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true });
  } catch (cause) {
    throw new AgentFailure("usage", cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function readToken(file: string | undefined, token: string | undefined): string {
  if (file === undefined) return required(token, "--token-file, MCP_TOKEN_FILE or MCP_TOKEN");
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new AgentFailure("usage", `The token cannot be read from ${file}`, { cause });
  }
}

function required(value: string | undefined, names: string): string {
  if (value === undefined || value === "") throw new AgentFailure("usage", `Set ${names}`);
  return value;
}
