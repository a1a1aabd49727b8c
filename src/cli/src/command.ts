import type { CommandContext } from "./command-context.ts";

interface FlagBase {
  description: string;
  /** One letter. */
  short?: string;
  /** Long name, where it is not the key in kebab-case. */
  long?: string;
  /** Understood, but not offered: a form that is gone and is answered with the new one. */
  hidden?: boolean;
}

/** A flag as data: parsing, help and completion derive from it. */
export type FlagSpec = FlagBase &
  (
    | { type: "boolean" }
    | { type: "string"; placeholder: string; default?: string }
    | { type: "strings"; placeholder: string }
    | { type: "integer"; placeholder: string; minimum: number }
    | { type: "choice"; choices: readonly string[]; default?: string }
  );

export interface PositionalSpec {
  /** As help writes it. */
  label: string;
  description: string;
  required?: boolean;
  variadic?: boolean;
}

type Flags = Readonly<Record<string, FlagSpec>>;
/** In the order in which they stand on the command line. */
type Positionals = Readonly<Record<string, PositionalSpec>>;

type FlagValue<F extends FlagSpec> = F extends { type: "boolean" }
  ? boolean
  : F extends { type: "strings" }
    ? readonly string[]
    : F extends { type: "integer" }
      ? number | undefined
      : F extends { type: "choice"; choices: readonly (infer Choice)[] }
        ? Choice | (F extends { default: string } ? never : undefined)
        : string | (F extends { default: string } ? never : undefined);

type PositionalValue<P extends PositionalSpec> = P extends { variadic: true }
  ? readonly string[]
  : string | (P extends { required: true } ? never : undefined);

/** What `run` gets: every flag and positional under its key. */
export type InputOf<P extends Positionals, F extends Flags> = {
  [Key in keyof P]: PositionalValue<P[Key]>;
} & { [Key in keyof F]: FlagValue<F[Key]> };

interface CommandData {
  /** More than the summary, where there is more to say. */
  description?: string;
  examples: readonly string[];
  positionals: Positionals;
  flags: Flags;
  subcommands?: readonly CommandEntry[];
}

/** A command is data plus one function. `run` is absent where only sub-commands do something. */
export interface Command<P extends Positionals, F extends Flags> extends CommandData {
  positionals: P;
  flags: F;
  /** @returns the exit code; nothing means success. */
  run(context: CommandContext, input: InputOf<P, F>): Promise<number | void>;
}

/** A command whose input types are forgotten, so that all fit in one list. The parser builds the input from the data. */
export interface AnyCommand extends CommandData {
  run?(context: CommandContext, input: Readonly<Record<string, unknown>>): Promise<number | void>;
}

/** A line of help. The command itself is loaded when it is called. */
export interface CommandEntry {
  name: string;
  aliases?: readonly string[];
  /** Heading of the help under which it stands. */
  group: string;
  summary: string;
  load(): Promise<AnyCommand>;
}

/** Identity function: types `run`'s input from the command's own flags and positionals. */
export function defineCommand<const P extends Positionals, const F extends Flags>(command: Command<P, F>): AnyCommand {
  return command;
}
