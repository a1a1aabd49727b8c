interface CodeMeaning {
  /** HTTP status of the problem document. */
  status: number;
  /** Exit code of `mcpctl`. */
  exit: number;
  /** JSON-RPC error code, where the failure reaches an MCP client. */
  rpc: number;
}

/** Every failure a caller can tell apart. Codes are public: add, never rename. */
export const ERROR_CODES = {
  "bad-request": { status: 400, exit: 2, rpc: -32600 },
  unauthenticated: { status: 401, exit: 3, rpc: -32603 },
  forbidden: { status: 403, exit: 6, rpc: -32603 },
  "not-found": { status: 404, exit: 1, rpc: -32602 },
  "method-not-allowed": { status: 405, exit: 1, rpc: -32601 },
  "not-acceptable": { status: 406, exit: 1, rpc: -32600 },
  "request-timeout": { status: 408, exit: 4, rpc: -32603 },
  "already-exists": { status: 409, exit: 7, rpc: -32603 },
  conflict: { status: 409, exit: 7, rpc: -32603 },
  "resource-version-too-old": { status: 410, exit: 1, rpc: -32603 },
  "payload-too-large": { status: 413, exit: 2, rpc: -32600 },
  "unsupported-media-type": { status: 415, exit: 2, rpc: -32600 },
  invalid: { status: 422, exit: 2, rpc: -32602 },
  "too-many-requests": { status: 429, exit: 1, rpc: -32603 },
  internal: { status: 500, exit: 1, rpc: -32603 },
  "upstream-unavailable": { status: 502, exit: 1, rpc: -32603 },
  "upstream-protocol": { status: 502, exit: 1, rpc: -32603 },
  unavailable: { status: 503, exit: 4, rpc: -32603 },
  "upstream-timeout": { status: 504, exit: 1, rpc: -32603 },
  "secrets-key-unusable": { status: 503, exit: 2, rpc: -32603 },
  // These never cross the wire: a program says them of itself.
  unreachable: { status: 503, exit: 4, rpc: -32603 },
  "config-invalid": { status: 500, exit: 2, rpc: -32603 },
  "port-in-use": { status: 500, exit: 1, rpc: -32603 },
  "data-dir-locked": { status: 500, exit: 1, rpc: -32603 },
  "database-unavailable": { status: 503, exit: 4, rpc: -32603 },
  "audit-broken": { status: 500, exit: 8, rpc: -32603 },
  "tool-error": { status: 502, exit: 5, rpc: -32603 },
  "protocol-violation": { status: 502, exit: 9, rpc: -32603 },
  "conformance-unavailable": { status: 503, exit: 1, rpc: -32603 },
} as const satisfies Record<string, CodeMeaning>;

export type ErrorCode = keyof typeof ERROR_CODES;

export function isErrorCode(word: unknown): word is ErrorCode {
  return typeof word === "string" && Object.hasOwn(ERROR_CODES, word);
}

/** One rejected input. `path` is written as a user would, such as `spec.url` or `line 3, column 5`. */
export interface FieldError {
  path: string;
  message: string;
}

interface ErrorDetail {
  hint?: string | undefined;
  fields?: FieldError[] | undefined;
  /** When it is worth trying again, where that is known. */
  retryAfterSeconds?: number | undefined;
  cause?: unknown;
}

/** The only error thrown on purpose. `message` says what failed; `hint` says what to do next. */
export class McpctlError extends Error {
  override readonly name = "McpctlError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly fields: FieldError[];
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, { hint, fields = [], retryAfterSeconds, cause }: ErrorDetail = {}) {
    super(message, { cause });
    this.code = code;
    this.hint = hint;
    this.fields = fields;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export function notFound(singular: string, name: string): McpctlError {
  return new McpctlError("not-found", `${singular} "${name}" not found`, {
    hint: `List the existing ones with: mcpctl get ${singular}`,
  });
}

/** Narrows a caught value to one of ours with this code; everything else is somebody else's to handle. */
export function hasCode(thrown: unknown, code: ErrorCode): thrown is McpctlError {
  return thrown instanceof McpctlError && thrown.code === code;
}

/** A failure as every program prints it: what failed, where, and what to do. What the message spells out is not said twice. */
export function failureLines({ code, message, fields, hint }: Failure): string[] {
  const places = fields.filter((field) => !message.includes(`${field.path}: ${field.message}`));
  return [
    `Error (${code}): ${message}`,
    ...places.map(({ path, message: why }) => `  ${path}: ${why}`),
    ...(hint === undefined ? [] : [`Hint: ${hint}`]),
  ];
}

type Failure = Pick<McpctlError, "code" | "message" | "fields" | "hint">;
