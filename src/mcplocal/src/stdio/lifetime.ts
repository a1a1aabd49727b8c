import type { Readable, Writable } from "node:stream";

const PARENT_CHECK_MS = 1_000;

/** Why a program that serves one client ends. */
type End = "eof" | "gone" | "signal" | "overflow";

interface Watched {
  streams: { stdin: Readable; stdout: Writable; stderr: Writable };
  /** The process that has started this one. */
  parentPid(): number;
  signal: AbortSignal;
}

export interface Lifetime {
  /** Resolves with the first reason to end. */
  over: Promise<End>;
  end(why: End): void;
}

/** Watches for the end of the client: it closes its end of the pipe, reads no more, or dies without any of that. */
export function watchLifetime({ streams: { stdin, stdout, stderr }, parentPid, signal }: Watched): Lifetime {
  const { promise: over, resolve: end } = Promise.withResolvers<End>();
  stdin.once("end", () => end("eof")).once("error", () => end("gone"));
  stdout.once("error", () => end("gone"));
  // What follows the first error is of no interest, but must not end the process in its own way.
  for (const stream of [stdin, stdout, stderr]) stream.on("error", () => {});
  signal.addEventListener("abort", () => end("signal"));
  if (signal.aborted) end("signal");
  const parent = parentPid();
  // Another process may hold the pipe open after the one that has made it is gone.
  const timer = setInterval(() => {
    if (parentPid() !== parent) end("gone");
  }, PARENT_CHECK_MS).unref();
  void over.then(() => clearInterval(timer));
  return { over, end };
}
