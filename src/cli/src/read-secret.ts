import { usageError } from "./args.ts";
import type { Io } from "./io.ts";

const MAX_SECRET_BYTES = 16_384;

/** Lines of standard input, for what takes more than one secret. @throws {McpctlError} `invalid` when one is missing. */
export async function readSecretLines(io: Io, { count, flag }: { count: number; flag: string }): Promise<string[]> {
  const lines = (await io.readStdin(MAX_SECRET_BYTES)).split(/\r?\n/).slice(0, count);
  if (lines.length === count && !lines.includes("")) return lines;
  throw usageError(`${flag} needs ${count} lines on standard input`, `For example: mcpctl ... ${flag} < FILE`);
}

/** The first line of standard input; asked for without echo when somebody sits there. */
export async function readSecretFromStdin(
  io: Io,
  { question, flag }: { question: string; flag: string },
): Promise<string> {
  const text = io.canAsk ? await io.askSecret(question) : await io.readStdin(MAX_SECRET_BYTES);
  const [line = ""] = text.split(/\r?\n/, 1);
  if (line !== "") return line;
  throw usageError(`${flag} found nothing on standard input`, `For example: mcpctl ... ${flag} < FILE`);
}
