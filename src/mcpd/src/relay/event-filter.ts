import { Readable } from "node:stream";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { ToolPolicyCheck } from "./exchange.ts";
import { filterMessage } from "./tool-list-filter.ts";

/** As for one line of a server that mcpd runs. */
const MAX_EVENT_LENGTH = 10 * 1024 * 1024;

/**
 * Takes tools that the caller may not see out of the lists in a stream of events. An event without such a list passes
 * as it is, but for its line ends; one that does not end is left out, as its readers must do too.
 *
 * @see HTML standard, "Parsing an event stream"
 */
export function filterEvents(body: Readable, policy: ToolPolicyCheck): Readable {
  return Readable.from(filtered(body, policy), { objectMode: false });
}

async function* filtered(body: AsyncIterable<Uint8Array>, policy: ToolPolicyCheck): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  let searched = 0;
  for await (const chunk of body) {
    const text = rest + decoder.decode(chunk, { stream: true });
    // A carriage return at the very end may be half of a line end.
    const complete = text.endsWith("\r") ? text.length - 1 : text.length;
    rest = text.slice(0, complete).replace(/\r\n?/g, "\n");
    for (let end = rest.indexOf("\n\n", searched); end >= 0; end = rest.indexOf("\n\n")) {
      yield `${filterEvent(rest.slice(0, end), policy)}\n\n`;
      rest = rest.slice(end + 2);
    }
    searched = Math.max(0, rest.length - 1);
    rest += text.slice(complete);
    if (rest.length > MAX_EVENT_LENGTH)
      throw new McpctlError("upstream-protocol", "The server sent an event that is too long");
  }
}

function filterEvent(event: string, policy: ToolPolicyCheck): string {
  const lines = event.split("\n");
  const data = lines.filter(isData).map((line) => line.slice("data:".length).replace(/^ /, ""));
  const message = Buffer.from(data.join("\n"));
  const result = isJson(message) ? filterMessage(message, policy) : message;
  if (result === message) return event;
  return [...lines.filter((line) => !isData(line)), `data: ${Buffer.from(result).toString()}`].join("\n");
}

function isData(line: string): boolean {
  return line === "data" || line.startsWith("data:");
}

/** Other events carry nothing that a client takes for a message. */
function isJson(data: Buffer): boolean {
  try {
    JSON.parse(data.toString());
    return true;
  } catch {
    return false;
  }
}
