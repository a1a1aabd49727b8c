/** Answers a question with a model behind an OpenAI-compatible endpoint, such as vLLM, and the tools of a project. */
import { answer, findExcess } from "./agent.ts";
import { AgentFailure, EXIT_CODES } from "./failure.ts";
import { openTools } from "./gateway-tools.ts";
import { readSettings, USAGE } from "./settings.ts";

function tell(what: string): void {
  process.stderr.write(`${what}\n`);
}

try {
  const settings = readSettings(process.argv.slice(2), process.env);
  await using gateway = await openTools(settings.mcpUrl, settings.mcpToken);
  for (const excess of findExcess(gateway)) tell(`Warning: ${excess}`);
  process.stdout.write(`${await answer(settings, gateway, tell)}\n`);
} catch (thrown) {
  if (!(thrown instanceof AgentFailure)) throw thrown;
  tell(`Error: ${thrown.message}`);
  if (thrown.code === "usage") tell(`\n${USAGE}`);
  process.exitCode = EXIT_CODES[thrown.code];
}
