import type { Io } from "../../src/io.ts";

export interface TestTerminal {
  io: Io;
  /** Lines of standard output. */
  out: string[];
  /** Lines of standard error. */
  err: string[];
}

export interface TestIoOptions {
  stdin?: string | undefined;
  /** What the person at the keyboard answers, by the beginning of the question; nobody sits there when absent. */
  answers?: Readonly<Record<string, string>> | undefined;
  /** Called for every line of standard error, while the command still runs. */
  onError?: ((line: string) => void) | undefined;
}

/** A terminal that remembers what was printed. */
export function createTestIo({ stdin = "", answers, onError }: TestIoOptions = {}): TestTerminal {
  const out: string[] = [];
  const err: string[] = [];
  const ask = async (question: string) => {
    err.push(question);
    const answer = Object.entries(answers ?? {}).find(([start]) => question.startsWith(start));
    if (!answer) throw new Error(`Nobody answers "${question}"`);
    return answer[1];
  };
  const io: Io = {
    out: (line) => void out.push(...line.split("\n")),
    err(line) {
      err.push(...line.split("\n"));
      onError?.(line);
    },
    isTty: false,
    width: 100,
    canAsk: answers !== undefined,
    ask,
    askSecret: ask,
    readStdin: async () => stdin,
  };
  return { io, out, err };
}
