import { type ErrorCode, McpctlError } from "@mcpctl/shared/errors.ts";

/** What the database itself refused. Without detail and parameters: those quote what was being stored. */
export class SqlError extends Error {
  override readonly name = "SqlError";
  readonly sqlState: string;
  readonly constraint: string | undefined;

  constructor(message: string, { sqlState, constraint }: { sqlState: string; constraint?: string | undefined }) {
    super(message);
    this.sqlState = sqlState;
    this.constraint = constraint;
  }
}

interface Meaning {
  code: ErrorCode;
  message: string;
  hint: string;
}

const unavailable = (message: string, hint: string): Meaning => ({ code: "database-unavailable", message, hint });

const RETRY = "Try again in a moment; mcpd reconnects by itself.";
const OVERLOADED = "Look for long transactions, or give the database more room.";

/** By SQLSTATE or its class of two characters; the longer one wins. @see PostgreSQL, appendix A, "Error Codes" */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  "08": unavailable("The connection to the database broke", RETRY),
  "22": {
    code: "invalid",
    message: "The content cannot be stored",
    hint: "Text must not contain the NUL character or half a surrogate pair, and numbers must fit.",
  },
  "23505": { code: "already-exists", message: "It already exists", hint: "Choose another name." },
  "25006": unavailable("The database is read-only", "Point the database URL at the primary server."),
  "25P03": unavailable("The database ended a transaction that stood still", RETRY),
  "28": unavailable("The database refused the login", "Check user and password of the database URL."),
  "3D000": unavailable("The database does not exist", "Create it, or correct its name in the database URL."),
  "40": unavailable("The database could not order concurrent writes", RETRY),
  "42501": unavailable("The database denies a permission", "The user of the database URL must own its tables."),
  "53": unavailable("The database has no room for this", OVERLOADED),
  "54": { code: "invalid", message: "The content is too large or too deep to be stored", hint: "Split it up." },
  "57": unavailable("The database is starting or stopping", RETRY),
  "57014": unavailable("The database did not answer in time", OVERLOADED),
};

/** Who a row belongs to, by the name of the constraint that says so. */
const OWNERS: Readonly<Record<string, string>> = {
  credentials_user: "user",
  sessions_user: "user",
  mcp_tokens_token: "mcptoken",
  mcp_tokens_project: "project",
  mcp_tokens_creator: "user",
};

/** @returns the error that callers can tell apart, or the refusal itself where only a bug of ours explains it. */
export function fromSqlError(refusal: SqlError): Error {
  const { sqlState, constraint = "" } = refusal;
  if (sqlState === "23503") {
    return new McpctlError("not-found", `The ${OWNERS[constraint] ?? "owner"} that it belongs to no longer exists`, {
      cause: refusal,
    });
  }
  const meaning = MEANINGS[sqlState] ?? MEANINGS[sqlState.slice(0, 2)];
  if (!meaning) return refusal;
  const { code, message, hint } = meaning;
  return new McpctlError(code, code === "database-unavailable" ? `${message}: ${refusal.message}` : message, {
    hint,
    cause: refusal,
  });
}

/** The connection did not carry a request, or broke before the answer came. */
export function connectionLost(thrown: unknown): McpctlError {
  const cause = toError(thrown);
  const reason = cause.message || ("code" in cause ? String(cause.code) : cause.name);
  return new McpctlError("database-unavailable", `The database does not answer: ${reason}`, { hint: RETRY, cause });
}

export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Whether the database asks to run the transaction once more: nothing of it was committed. */
export function isRetryable(thrown: unknown): boolean {
  return sqlStateOf(thrown).startsWith("40");
}

/** Whether waiting may help; a wrong password or a missing database stays wrong. */
export function isTransient(thrown: unknown): boolean {
  if (!(thrown instanceof McpctlError) || thrown.code !== "database-unavailable") return false;
  return !/^(25006|28|3D|42)/.test(sqlStateOf(thrown));
}

/** Whether a connection is of no further use after this error. */
export function isConnectionSpent(thrown: unknown): boolean {
  if (!(thrown instanceof McpctlError) || thrown.code !== "database-unavailable") return false;
  return !/^(40|53|57014)/.test(sqlStateOf(thrown));
}

function sqlStateOf(thrown: unknown): string {
  const refusal = thrown instanceof McpctlError ? thrown.cause : thrown;
  return refusal instanceof SqlError ? refusal.sqlState : "";
}
