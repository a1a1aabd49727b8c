import { Client, type ClientCapabilities, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

export const ERAS = ["modern", "legacy"] as const;
export type Era = (typeof ERAS)[number];

/** How the SDK's client is told which era to speak. */
export const NEGOTIATION = { modern: { pin: "2026-07-28" }, legacy: "legacy" } as const;

/** The official SDK's client: what it accepts, others accept. */
export async function connect(
  url: string,
  token: string | undefined,
  era: Era,
  capabilities: ClientCapabilities = {},
): Promise<Client & AsyncDisposable> {
  const mode = NEGOTIATION[era];
  const client = new Client({ name: "e2e", version: "1.0.0" }, { capabilities, versionNegotiation: { mode } });
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

/** Text of a tool's answer. */
export function textOf(result: { content?: unknown }): string {
  const content = result.content as { text?: string }[];
  return content.map(({ text }) => text ?? "").join("\n");
}
