/** The only door to the terminal, so that tests can look at both sides of it. */
export interface Io {
  /** Prints one line of the result. */
  out(line: string): void;
  /** Prints one line of talk. */
  err(line: string): void;
  /** Whether results go to a terminal. */
  isTty: boolean;
  /** Columns of the terminal that results go to. */
  width: number;
  /** Whether somebody sits at the keyboard. */
  canAsk: boolean;
  ask(question: string): Promise<string>;
  /** Asks without showing the answer. */
  askSecret(question: string): Promise<string>;
  /** Reads standard input to its end. */
  readStdin(maxBytes: number): Promise<string>;
}
