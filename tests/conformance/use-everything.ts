import type { Client } from "@modelcontextprotocol/client";
import { z } from "zod";
import { connect } from "../e2e/support/client.ts";
import type { ClientTask } from "./client-task.ts";
import type { Endpoint } from "./gateway.ts";

const TIMEOUT = { timeout: 8_000 };
const tool = z.looseObject({ name: z.string(), inputSchema: z.looseObject({}) });
type ListedTool = z.infer<typeof tool>;

/**
 * Uses all that a server offers, through an endpoint, as a client of the revision that accepts whatever it is asked.
 *
 * @throws what went wrong first, after everything has been tried.
 */
export async function useEverything({ url, token }: Endpoint, { revision, toolCalls }: ClientTask): Promise<void> {
  const era = revision === "2026-07-28" ? "modern" : "legacy";
  await using client = await connect(url, token, era, { elicitation: { form: { applyDefaults: true } } });
  client.setRequestHandler("elicitation/create", () => ({ action: "accept", content: {} }));

  const { tools } = await client.request({ method: "tools/list" }, z.looseObject({ tools: z.array(tool) }), TIMEOUT);
  const calls = toolCalls ?? tools.map((listed) => ({ name: listed.name, arguments: argumentsFor(listed, tools) }));
  const { resources, prompts } = client.getServerCapabilities() ?? {};
  const failures: unknown[] = [];
  for (const use of [
    ...calls.map((call) => () => client.callTool(call, TIMEOUT)),
    ...(resources ? [() => readResources(client)] : []),
    ...(prompts ? [() => getPrompts(client)] : []),
  ]) {
    await use().catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}

/** What the tools of the scenarios want; of `json_schema_echo` it is the schema of the tool beside it. */
function argumentsFor({ name }: ListedTool, tools: readonly ListedTool[]): Record<string, unknown> {
  if (name === "add_numbers") return { a: 5, b: 3 };
  if (name === "valid_tool") return { region: "us-west1" };
  if (name === "json_schema_echo") return { schema: tools.find((other) => other.name !== name)?.inputSchema };
  return {};
}

async function readResources(client: Client): Promise<void> {
  const { resources } = await client.listResources();
  for (const { uri } of resources) await client.readResource({ uri }, TIMEOUT);
}

async function getPrompts(client: Client): Promise<void> {
  const { prompts } = await client.listPrompts();
  for (const { name } of prompts) await client.getPrompt({ name }, TIMEOUT);
}
