import { Command as Program, CommanderError, Option } from "commander";
import type { AnyCommand, CommandEntry, FlagSpec } from "./command.ts";
import type { CommandContext, GlobalInput } from "./command-context.ts";
import type { Io } from "./io.ts";
import { type ParserFault, toUsageError, unknownWord } from "./usage-faults.ts";
import { usageError } from "./args.ts";

const GLOBAL_FLAGS = {
  server: {
    type: "string",
    placeholder: "URL",
    description: "Address of mcpd (default: $MCPCTL_SERVER, then that of the last login).",
  },
  debug: { type: "boolean", description: "Print the stack of an error." },
} as const satisfies Record<string, FlagSpec>;
const FLAGS = "Flags:";
const GLOBAL_FLAGS_GROUP = "Global flags:";

export interface ProgramSpec {
  name: string;
  summary: string;
  version: string;
  footer: string;
  commands: readonly CommandEntry[];
}

export interface ParserDeps {
  io: Io;
  /** Called once, when the command line has been understood. */
  createContext(globals: GlobalInput): CommandContext;
}

/**
 * Parses the arguments and runs the command that they name. Only the commands on the way to it are loaded. This file
 * alone knows the argument parser.
 *
 * @returns the exit code.
 * @throws {McpctlError} `invalid` for what cannot be understood; whatever the command throws.
 */
export async function parseAndRun(spec: ProgramSpec, argv: readonly string[], deps: ParserDeps): Promise<number> {
  const program = createProgram(spec, deps.io);
  let exitCode = 0;
  bindSubcommands(program, spec.commands, async (command, leaf) => {
    exitCode = (await runLeaf(command, leaf, deps)) ?? 0;
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    if (thrown.exitCode === 0) return 0;
    // Help that was not asked for: a group was called without one of its commands.
    if (thrown.code === "commander.help") return 2;
    throw toUsageError(faultOf(thrown, program, argv));
  }
  return exitCode;
}

function createProgram({ name, summary, version, footer }: ProgramSpec, io: Io): Program {
  const program = new Program(name)
    .description(summary)
    .usage("COMMAND [flags]")
    .helpCommand(false)
    .addHelpOption(new Option("-h, --help", "Show help.").helpGroup(GLOBAL_FLAGS_GROUP))
    .optionsGroup(GLOBAL_FLAGS_GROUP)
    .version(`${name} ${version}`, "-V, --version", "Print the version.")
    .enablePositionalOptions()
    .exitOverride()
    // Other words for the same command are understood and not advertised.
    .configureHelp({
      commandUsage: (shown) => `${pathOf(shown)} ${shown.usage()}`,
      subcommandTerm: (shown) => shown.name(),
    })
    .configureOutput({
      writeOut: (text) => io.out(text.replace(/\n$/, "")),
      writeErr: (text) => io.err(text.replace(/\n$/, "")),
      outputError: () => undefined,
      getOutHelpWidth: () => io.width,
      getErrHelpWidth: () => io.width,
    })
    .addHelpText("after", footer);
  addFlags(program, GLOBAL_FLAGS, GLOBAL_FLAGS_GROUP);
  return program;
}

type Run = (command: AnyCommand, leaf: Program) => Promise<void>;

/** Registers names and summaries, and fills a command in just before it parses its own part of the line. */
function bindSubcommands(parent: Program, entries: readonly CommandEntry[], run: Run): void {
  for (const { name, aliases = [], group, summary } of entries) {
    parent.command(name).aliases(aliases).summary(summary).helpGroup(`${group}:`);
  }
  parent.hook("preSubcommand", async (_parent, chosen) => {
    const entry = entries.find(({ name }) => name === chosen.name());
    if (entry) fillIn(chosen, { summary: entry.summary, command: await entry.load(), run });
  });
}

function fillIn(leaf: Program, { summary, command, run }: { summary: string; command: AnyCommand; run: Run }): void {
  const { positionals, flags, subcommands = [], description, examples } = command;
  const labels = Object.values(positionals).map(({ label, required }) => (required ? label : `[${label}]`));
  leaf.description(description ? `${summary}.\n\n${description}` : `${summary}.`);
  leaf.usage([...(subcommands.length > 0 ? ["[COMMAND]"] : []), ...labels, "[flags]"].join(" "));
  for (const [key, { required, variadic, description: text }] of Object.entries(positionals)) {
    const word = variadic ? `${key}...` : key;
    leaf.argument(required ? `<${word}>` : `[${word}]`, text);
  }
  addFlags(leaf, flags, FLAGS);
  const unshadowed = Object.entries(GLOBAL_FLAGS).filter(([key]) => !Object.hasOwn(flags, key));
  addFlags(leaf, Object.fromEntries(unshadowed), GLOBAL_FLAGS_GROUP);
  leaf.addHelpText("after", `\nExamples:\n${examples.map((example) => `  ${example}`).join("\n")}`);
  if (subcommands.length > 0) bindGroup(leaf, subcommands, run);
  if (command.run) leaf.action(() => run(command, leaf));
}

/** A group that also runs by itself would take a mistyped sub-command for an argument. */
function bindGroup(group: Program, entries: readonly CommandEntry[], run: Run): void {
  group.helpCommand(false).enablePositionalOptions().allowUnknownOption().allowExcessArguments();
  bindSubcommands(group, entries, run);
}

function addFlags(program: Program, flags: Readonly<Record<string, FlagSpec>>, group: string): void {
  for (const [key, flag] of Object.entries(flags)) program.addOption(toOption(key, flag).helpGroup(group));
}

/** What was given, or else what its absence means. */
function valueOf(key: string, flag: FlagSpec, leaf: Program): unknown {
  const given = givenValue(leaf, toOption(key, flag).attributeName());
  if (flag.type === "boolean") return given ?? false;
  return flag.type === "strings" ? (given ?? []) : given;
}

function longName(key: string, { long }: Pick<FlagSpec, "long">): string {
  return `--${long ?? key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function toOption(key: string, flag: FlagSpec): Option {
  const long = longName(key, flag);
  const names = flag.short === undefined ? long : `-${flag.short}, ${long}`;
  if (flag.type === "boolean") {
    const option = new Option(names, flag.description).hideHelp(flag.hidden ?? false);
    // To the parser, `--no-headers` would switch off a flag `--headers`.
    option.negate = false;
    return option;
  }
  const placeholder = flag.type === "choice" ? flag.choices.join("|") : flag.placeholder;
  const option = new Option(`${names} <${placeholder}>`, flag.description).hideHelp(flag.hidden ?? false);
  if (flag.type === "strings") {
    return option.argParser((value, earlier: string[] | undefined) => [...(earlier ?? []), value]);
  }
  if (flag.type === "integer") return option.argParser((value) => parseInteger(long, value, flag.minimum));
  if (flag.type === "choice") option.argParser((value) => parseChoice(long, value, flag.choices));
  return flag.default === undefined ? option : option.default(flag.default);
}

function parseInteger(flag: string, value: string, minimum: number): number {
  if (/^\d{1,9}$/.test(value) && Number(value) >= minimum) return Number(value);
  throw usageError(
    `${flag} needs a whole number, at least ${minimum}; it got "${value}"`,
    `For example: ${flag} ${minimum + 1}`,
  );
}

function parseChoice(flag: string, value: string, choices: readonly string[]): string {
  if (choices.includes(value)) return value;
  throw unknownWord({ message: `${flag} does not know "${value}"`, word: value, candidates: choices });
}

type Entry = [key: string, value: unknown];

async function runLeaf(command: AnyCommand, leaf: Program, deps: ParserDeps): Promise<number | void> {
  if (command.subcommands && leaf.args.length > 0) throw strayWord(command.subcommands, leaf);
  const own = Object.entries(command.flags).map(([key, flag]): Entry => [key, valueOf(key, flag, leaf)]);
  const given: readonly unknown[] = leaf.processedArgs;
  const words = Object.keys(command.positionals).map((key, at): Entry => [key, given[at]]);
  return command.run?.(deps.createContext(globalsOf(command, leaf)), Object.fromEntries<unknown>([...words, ...own]));
}

/** A global flag stands before the command or after it; one that the command has itself stands before. */
function globalsOf({ flags }: AnyCommand, leaf: Program): GlobalInput {
  const places = Object.hasOwn(flags, "server") ? parentsOf(leaf) : [leaf, ...parentsOf(leaf)];
  const server = places.map((place) => givenValue(place, "server")).find((value) => value !== undefined);
  return { server: typeof server === "string" ? server : undefined };
}

function givenValue(leaf: Program, attribute: string): unknown {
  const value: unknown = leaf.getOptionValue(attribute);
  return value;
}

function parentsOf(leaf: Program): Program[] {
  return leaf.parent ? [leaf.parent, ...parentsOf(leaf.parent)] : [];
}

function pathOf(leaf: Program): string {
  return leaf.parent ? `${pathOf(leaf.parent)} ${leaf.name()}` : leaf.name();
}

function strayWord(entries: readonly CommandEntry[], group: Program) {
  const [word = ""] = group.args;
  const path = pathOf(group);
  if (word.startsWith("-")) {
    return toUsageError({ code: "commander.unknownOption", words: group.args, flags: flagsOf(group), path });
  }
  const candidates = entries.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
  return unknownWord({ message: `Unknown command "${path} ${word}"`, word, candidates, hint: `See: ${path} --help` });
}

function faultOf({ code, message }: CommanderError, program: Program, argv: readonly string[]): ParserFault {
  const words = [...message.matchAll(/'([^']*)'/g)].map(([, word = ""]) => word);
  const stumbledAt = code.startsWith("commander.unknown") ? argv.indexOf(words[0] ?? "") : -1;
  const leaf = leafOf(program, stumbledAt < 0 ? argv : argv.slice(0, stumbledAt));
  const names = leaf.commands.map((command) => command.name());
  return { code, words, flags: flagsOf(leaf), commands: names, path: pathOf(leaf) };
}

/** The command that the words lead to, as far as they lead. */
function leafOf(program: Program, argv: readonly string[]): Program {
  let leaf = program;
  for (const word of argv) {
    const next = leaf.commands.find((command) => command.name() === word || command.aliases().includes(word));
    leaf = next ?? leaf;
  }
  return leaf;
}

function flagsOf(leaf: Program): string[] {
  return leaf.options.filter(({ hidden }) => !hidden).flatMap(({ long }) => (long ? [long] : []));
}
