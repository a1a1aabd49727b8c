import { createInterface } from "node:readline/promises";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Io } from "./io.ts";

const DEFAULT_WIDTH = 80;

export interface ProcessStreams {
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  signal: AbortSignal;
  /** Called for Ctrl-C while the terminal is in raw mode and sends no signal. */
  interrupt(): void;
}

/** The terminal of this process. A reader that has gone away is no error: what is left is dropped. */
export function createProcessIo({ stdin, stdout, stderr, signal, interrupt }: ProcessStreams): Io {
  for (const stream of [stdout, stderr]) stream.on("error", ignoreClosedPipe);
  return {
    out: (line) => void stdout.write(`${line}\n`),
    err: (line) => void stderr.write(`${line}\n`),
    isTty: stdout.isTTY,
    width: stdout.columns ?? DEFAULT_WIDTH,
    canAsk: stdin.isTTY && stderr.isTTY,
    async ask(question) {
      const lines = createInterface({ input: stdin, output: stderr, prompt: question, signal });
      lines.once("SIGINT", interrupt);
      lines.prompt();
      try {
        // Ctrl-D ends the lines without one.
        const line = await lines[Symbol.asyncIterator]().next();
        return line.done ? "" : line.value;
      } finally {
        lines.close();
      }
    },
    async askSecret(question) {
      stderr.write(question);
      stdin.setRawMode(true);
      try {
        return await readHidden(stdin, { signal, interrupt });
      } finally {
        stdin.setRawMode(false);
        stdin.pause();
        stderr.write("\n");
      }
    },
    readStdin: (maxBytes) => readAll(stdin, maxBytes),
  };
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}

/** Collects keys up to Enter. In raw mode the terminal leaves editing and Ctrl-C to the program. */
function readHidden(stdin: NodeJS.ReadStream, { signal, interrupt }: Pick<ProcessStreams, "signal" | "interrupt">) {
  return new Promise<string>((resolve, reject) => {
    let typed: string[] = [];
    const done = (finish: () => void) => {
      stdin.off("data", read);
      stdin.off("end", end);
      signal.removeEventListener("abort", abort);
      finish();
    };
    const abort = () => done(() => reject(signal.reason));
    const end = () => done(() => resolve(typed.join("")));
    const read = (chunk: Buffer | string) => {
      for (const key of chunk.toString()) {
        if (key === "\r" || key === "\n" || key === "\u0004") return end();
        if (key === "\u0003") return interrupt();
        typed = edited(typed, key);
      }
    };
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", abort);
    stdin.setEncoding("utf8").on("data", read).on("end", end).resume();
  });
}

function edited(typed: string[], key: string): string[] {
  if (key === "\u007f" || key === "\b") return typed.slice(0, -1);
  if (key === "\u0015") return [];
  return key < " " ? typed : [...typed, key];
}

async function readAll(stdin: AsyncIterable<Buffer | string>, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > maxBytes) throw new McpctlError("invalid", `Standard input is longer than ${maxBytes} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}
