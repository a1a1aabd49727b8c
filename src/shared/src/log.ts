import { pino } from "pino";

export type Logger = pino.Logger;
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Bearers of ours, wherever they turn up in a line: redaction by path cannot see into messages. */
const BEARER = /mcpctl_[a-z]{2,8}_[0-9A-Za-z]{8,}/g;

interface LoggerOptions {
  /** Whose lines they are. */
  program: string;
  level: LogLevel;
  write(line: string): void;
}

/** JSON lines, without any bearer of ours. */
export function createLogger({ program, level, write }: LoggerOptions): Logger {
  return pino({ level, base: { program } }, { write: (line) => write(line.replaceAll(BEARER, "mcpctl_[redacted]")) });
}
