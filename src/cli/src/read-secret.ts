import { usageError } from "./args.ts";
import type { Io } from "./io.ts";

const MAX_SECRET_BYTES = 16_384;

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
