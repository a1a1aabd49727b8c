import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { FlagSpec } from "./command.ts";

export const projectFlag = {
  type: "string",
  short: "p",
  placeholder: "PROJECT",
  description: "Project of the objects (default: $MCPCTL_PROJECT).",
} as const satisfies FlagSpec;

export const filenameFlag = {
  type: "strings",
  short: "f",
  placeholder: "FILE",
  description: "File, directory, or - for standard input. May be repeated.",
} as const satisfies FlagSpec;

export const recursiveFlag = {
  type: "boolean",
  short: "R",
  description: "Also read the directories inside a directory.",
} as const satisfies FlagSpec;

/** For an answer that is no object: people read it as text, programs as JSON. */
export const textOrJsonFlag = {
  type: "choice",
  short: "o",
  choices: ["text", "json"],
  default: "text",
  description: "Form of the answer.",
} as const satisfies FlagSpec;

/** @throws {McpctlError} `invalid`: a command line that cannot be meant. */
export function usageError(message: string, hint: string): McpctlError {
  return new McpctlError("invalid", message, { hint });
}

/**
 * Splits `KEY=VALUE` at the first `=`.
 *
 * @throws {McpctlError} `invalid`
 */
export function parseKeyValue(text: string, flag: string): { name: string; value: string } {
  const at = text.indexOf("=");
  if (at > 0) return { name: text.slice(0, at), value: text.slice(at + 1) };
  // The text may be a secret that lost its name; it is not repeated.
  throw usageError(`${flag} needs NAME=VALUE`, `For example: ${flag} NAME=value`);
}

/** The project of an object that has one. @throws {McpctlError} `invalid` */
export function requireProject(project: string | undefined, singular: string): string {
  if (project !== undefined) return project;
  throw usageError(`No project is given; ${singular} needs one`, "Name it with: -p PROJECT, or set MCPCTL_PROJECT");
}
