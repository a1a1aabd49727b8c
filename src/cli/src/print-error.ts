import { ERROR_CODES, failureLines, McpctlError } from "@mcpctl/shared/errors.ts";
import type { Io } from "./io.ts";
import { escapeUnprintable, oneLine } from "./printers/text.ts";

/** Exit code after Ctrl-C. */
export const INTERRUPTED = 130;

export interface ErrorStyle {
  /** One line of JSON instead of text. */
  isJson: boolean;
  /** Adds the stack. */
  isDebug: boolean;
  /** Object that the error is about, where a command goes on with the next. */
  about?: string | undefined;
}

/** The last stop of every failure: says what failed, where, and what to do. @returns the exit code. */
export function printError(io: Io, thrown: unknown, { isJson, isDebug, about }: ErrorStyle): number {
  const error = thrown instanceof McpctlError ? thrown : unexpected(thrown);
  const { code, hint, fields } = error;
  const message = about === undefined || isNamed(error, about) ? error.message : `${about}: ${error.message}`;
  if (isJson) io.err(escapeUnprintable(JSON.stringify({ error: { code, message, hint, fields } })));
  else for (const line of failureLines({ code, message, hint, fields })) io.err(oneLine(line, { keepIndent: true }));
  if (isDebug) for (const line of stackOf(thrown)) io.err(line);
  return ERROR_CODES[code].exit;
}

/** Whether a message speaks of `server/files` already, as `server "files" not found` does. */
function isNamed({ message }: McpctlError, about: string): boolean {
  return message.includes(`"${about.slice(about.indexOf("/") + 1)}"`);
}

function unexpected(thrown: unknown): McpctlError {
  const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return new McpctlError("internal", `Unexpected ${message}`, {
    hint: "This is a bug in mcpctl. Please report it with what the same command prints with --debug",
    cause: thrown,
  });
}

function stackOf(thrown: unknown): string[] {
  if (!(thrown instanceof Error)) return [];
  const own = (thrown.stack ?? "").split("\n").map((line) => oneLine(line, { keepIndent: true }));
  return thrown.cause === undefined ? own : [...own, "Caused by:", ...stackOf(thrown.cause)];
}
