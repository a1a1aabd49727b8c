import { join } from "node:path";
import { type Running, start } from "../../tests/support/programs.ts";

/** A program of this folder that prints its port. */
export interface Listening extends AsyncDisposable {
  port: number;
  pids: number[];
}

export function pathOf(file: string): string {
  return join(import.meta.dirname, file);
}

export async function startListening(file: string, args: readonly string[]): Promise<Listening> {
  const program = start(pathOf(file), args);
  const port = Number(await program.line((line) => /^\d+$/.test(line)));
  return { port, pids: [program.pid], [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

/** The first address that a program says it listens on. */
export async function addressOf(program: Running): Promise<string> {
  const said = await program.line((line) => line.includes("http://"));
  const [address = ""] = /http:\/\/[^\s/]+/.exec(said) ?? [];
  return address;
}
