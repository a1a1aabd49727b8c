import { VERSION } from "@mcpctl/shared/version.ts";
import { parseAndRun } from "./bind-command.ts";
import { type CliDeps, createCommandContext } from "./command-context.ts";
import { COMMANDS } from "./command-registry.ts";
import { INTERRUPTED, printError } from "./print-error.ts";

const FOOTER = `
Examples:
  mcpctl up                                    start everything on this machine
  mcpctl create server files --npm @modelcontextprotocol/server-filesystem --version 2026.8.31 --arg ./docs
  mcpctl create project demo --server files
  mcpctl get servers,projects

Exit codes: 0 ok, 1 failed, 2 usage or invalid manifest, 3 login needed, 4 unreachable, 5 tool error, 6 forbidden,
7 conflict, 8 audit trail broken, 9 MCP broken by a server, 130 interrupted.`;

const PROGRAM = {
  name: "mcpctl",
  summary: "kubectl for MCP servers.",
  version: VERSION,
  footer: FOOTER,
  commands: COMMANDS,
};

/** Runs one command line. Never throws. @returns the exit code. */
export async function runCli(argv: readonly string[], deps: CliDeps): Promise<number> {
  const style = { isJson: wantsJson(argv), isDebug: argv.includes("--debug") };
  try {
    return await parseAndRun(PROGRAM, normalise(argv), {
      io: deps.io,
      createContext: (globals) => createCommandContext(deps, globals, style),
    });
  } catch (thrown) {
    return deps.signal.aborted ? INTERRUPTED : printError(deps.io, thrown, style);
  }
}

/** `mcpctl help create server` is another way to write `mcpctl create server --help`. */
function normalise(argv: readonly string[]): readonly string[] {
  if (argv.length === 0) return ["--help"];
  return argv[0] === "help" ? [...argv.slice(1), "--help"] : argv;
}

/** Looked up before the line is parsed, because a line that cannot be parsed fails in the wanted form too. */
function wantsJson(argv: readonly string[]): boolean {
  return argv.some(
    (word, at) =>
      ["-ojson", "-o=json", "--output=json"].includes(word) ||
      (["-o", "--output"].includes(word) && argv[at + 1] === "json"),
  );
}
