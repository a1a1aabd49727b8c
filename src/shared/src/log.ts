import { pino } from "pino";
import { withoutBearers } from "./redact.ts";

export type Logger = pino.Logger;
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

interface LoggerOptions {
  /** Whose lines they are. */
  program: string;
  level: LogLevel;
  write(line: string): void;
}

/** JSON lines, without any bearer of ours. */
export function createLogger({ program, level, write }: LoggerOptions): Logger {
  return pino({ level, base: { program } }, { write: (line) => write(withoutBearers(line)) });
}
