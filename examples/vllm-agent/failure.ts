/** How the program ends, by what was in the way. */
export const EXIT_CODES = {
  /** The endpoint of the model, or the gateway, answers what cannot be used. */
  "bad-answer": 1,
  usage: 2,
  /** The gateway does not take the token. */
  refused: 3,
  /** The endpoint of the model, or the gateway, does not answer. */
  unreachable: 4,
  /** The model asked for tools until there were no steps left. */
  "no-steps-left": 5,
} as const;

/** Why there is no answer to the question. */
export class AgentFailure extends Error {
  readonly code: keyof typeof EXIT_CODES;

  constructor(code: keyof typeof EXIT_CODES, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.code = code;
  }
}
