import type { McpctlError } from "@mcpctl/shared/errors.ts";
import { closest } from "@mcpctl/shared/suggest.ts";
import { usageError } from "./args.ts";

/** What the argument parser complained of, without its words. */
export interface ParserFault {
  code: string;
  /** The words that its message quotes. */
  words: readonly string[];
  /** Flags and sub-commands of the command that it happened in. */
  flags: readonly string[];
  commands?: readonly string[];
  /** That command, such as `mcpctl get`. */
  path: string;
}

export function toUsageError({ code, words: [word = ""], flags, commands = [], path }: ParserFault): McpctlError {
  const example = `${path} --help`;
  switch (code) {
    case "commander.unknownCommand":
      return unknownWord({
        message: `Unknown command "${path} ${word}"`,
        word,
        candidates: commands,
        hint: `See: ${example}`,
      });
    case "commander.unknownOption":
      return unknownFlag(word, flags, path);
    case "commander.missingArgument":
      return usageError(`${path} needs ${word.toUpperCase()}`, `See: ${example}`);
    case "commander.optionMissingArgument":
      return usageError(`${word.replace(/ <.*$/, "")} needs a value`, `See: ${example}`);
    case "commander.excessArguments":
      return usageError(`${path} takes fewer arguments`, `See: ${example}`);
    default:
      return usageError(`The command line is not understood (${code})`, `See: ${example}`);
  }
}

function unknownFlag(word: string, flags: readonly string[], path: string): McpctlError {
  const [flag = ""] = word.split("=", 1);
  const isEarly = !path.includes(" ");
  const hint = isEarly ? "Flags of a command come after its name" : `See: ${path} --help`;
  return unknownWord({ message: `Unknown flag ${flag}`, word: flag, candidates: flags, hint });
}

interface UnknownWord {
  message: string;
  word: string;
  candidates: readonly string[];
  /** For a word that is like no candidate; all candidates when absent. */
  hint?: string;
}

/** Suggests the closest candidate; without one it names where to look, or all of them. */
export function unknownWord({ message, word, candidates, hint }: UnknownWord): McpctlError {
  const suggestion = closest(word, candidates) ?? candidates.find((candidate) => isTransposed(word, candidate));
  if (suggestion !== undefined) return usageError(message, `Did you mean "${suggestion}"?`);
  return usageError(message, hint ?? `Choose one of: ${candidates.join(", ")}`);
}

/** Swapped letters, which count as two slips: too many for a short word. */
function isTransposed(word: string, candidate: string): boolean {
  const letters = (text: string) => text.toLowerCase().split("").toSorted().join("");
  return letters(word) === letters(candidate);
}
