// What a command is, as data: the parser, `--help`, the man pages, shell completion and docs/commands.md all read the same
// definition. The gateway and the agent both define commands, so the types are here.

/** How the text of an option or operand becomes a value. */
export interface ValueType<T> {
  /** Stands for the value in help: `URL`, `FILE`. */
  readonly hint: string;
  /**
   * @param name what the text was given for, for messages: `--gateway`, `SALLYPORT_GATEWAY`, `WORKSPACE`
   * @throws UsageError, ProtocolError
   */
  read(text: string, name: string): T;
  /** What a shell offers to complete: names of files or directories, or these words. */
  readonly completion?: "files" | "directories" | readonly string[];
}

/** Where else a value may be set, besides the command line. */
interface Settable {
  /** The environment variable that sets it. An empty one counts as unset. */
  readonly variable?: string;
  /** The configuration file may set it, under its name. Never for a secret, or for what is meant once. */
  readonly config?: true;
}

export interface OptionDefinition extends Settable {
  /** Sentences without a full stop at the end, as `--help` lists them. `code` is in backticks. */
  readonly description: string;
  /** Absent: the option takes no value, and is true where it is given. */
  readonly type?: ValueType<unknown>;
  /** One letter: `v` for -v. */
  readonly short?: string;
  /** Other names that keep working, and that no help mentions. */
  readonly aliases?: readonly string[];
  /**
   * `each`: may be given several times. `separated`: commas or spaces separate values, too. `commas`: commas do, and values
   * may have spaces. Absent: the last one counts.
   */
  readonly repeated?: "each" | "separated" | "commas";
  /** What counts where nothing else is given, as one would type it. */
  readonly default?: string;
  /** What happens where nothing is given, for help: `this machine's name`. */
  readonly otherwise?: string;
  /** The heading in help that it belongs to; absent: "Options". */
  readonly group?: string;
  /** A second one is an error, instead of the last one counting. */
  readonly once?: true;
  /** Other code, and programs that the command starts, find the value in `variable`: it is put there. */
  readonly exported?: true;
  /** Why a value may not be on the command line or in the configuration file; undefined: it may. */
  secretProblem?(text: string): string | undefined;
  /** The option exists only to be refused, with this message. */
  readonly refused?: string;
}

export interface OperandDefinition extends Settable {
  readonly description: string;
  readonly type: ValueType<unknown>;
  readonly optional?: true;
  /** Takes all that are left; the last operand only. */
  readonly repeated?: true;
}

/** Options of which only one may be given. One that is given hides the others where they come from a weaker source. */
export interface Exclusive {
  readonly options: readonly string[];
  /** Further variables that answer the same question. */
  readonly variables?: readonly string[];
}

export interface CommandDefinition {
  /** As it is typed after `sallyport`: `token create`. */
  readonly name: string;
  /** A few words in lower case, for the list of commands. */
  readonly summary: string;
  /** Paragraphs, each on one line; lines that begin with two spaces stay as they are. */
  readonly description: string;
  /** Instead of the usage line that follows from operands and options: what comes after `sallyport NAME`. */
  readonly usage?: string;
  /** In the order in which they are typed. Names are in lower case, as in `operands.workspace`. */
  readonly operands?: Readonly<Record<string, OperandDefinition>>;
  readonly options: Readonly<Record<string, OptionDefinition>>;
  readonly exclusive?: readonly Exclusive[];
  /** Environment variables that no option stands for. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Whole lines. */
  readonly examples: readonly string[];
  readonly subcommands?: Readonly<Record<string, CommandDefinition>>;
  /** Does nothing by itself: one of the subcommands has to be named. */
  readonly needsSubcommand?: true;
}

type ValueOf<O> = O extends { readonly type: ValueType<infer T> }
  ? O extends { readonly repeated: string | true }
    ? readonly T[]
    : O extends { readonly default: string }
      ? T
      : T | undefined
  : boolean;

type OperandOf<O> = O extends { readonly type: ValueType<infer T> }
  ? O extends { readonly repeated: true }
    ? readonly T[]
    : O extends { readonly optional: true }
      ? T | undefined
      : T
  : never;

/** The values of a command's options, by name. */
export type OptionValues<D extends CommandDefinition> = {
  readonly [K in keyof D["options"]]: ValueOf<D["options"][K]>;
};

/** The values of a command's operands, by name. */
export type OperandValues<D extends CommandDefinition> =
  D["operands"] extends Readonly<Record<string, OperandDefinition>>
    ? { readonly [K in keyof D["operands"]]: OperandOf<D["operands"][K]> }
    : Readonly<Record<never, never>>;
