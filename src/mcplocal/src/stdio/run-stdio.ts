import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { Readable, Writable } from "node:stream";
import { join } from "node:path";
import { hasCode, McpctlError } from "@mcpctl/shared/errors.ts";
import { createLogger, type LogLevel } from "@mcpctl/shared/log.ts";
import { isMcpToken } from "@mcpctl/shared/tokens/index.ts";
import { createAccount } from "../control-plane/account.ts";
import { createAskMcpd } from "../control-plane/ask-mcpd.ts";
import { createCallSender } from "../control-plane/http-call-sender.ts";
import { createHttpControlPlane } from "../control-plane/http-control-plane.ts";
import { openLastKnownGood } from "../projects/last-known-good.ts";
import { createDispatcher } from "../upstreams/dispatcher.ts";
import { watchLifetime } from "./lifetime.ts";
import { pumpInput } from "./pump-input.ts";
import { openRecords, type Records } from "./records.ts";
import { createStdioGateway, type StdioGateway } from "./stdio-gateway.ts";

/** Requests that are under way when the client closes its end may still be answered. */
const LAST_ANSWERS_MS = 800;
/** Whatever is not closed by then is left to the end of the process. */
const CLOSING_MS = 900;

export interface StdioOptions {
  mcpdUrl: string;
  /** Project that is served; that of the token when absent. */
  project: string | undefined;
  /**
   * The bearer as of now: it is asked for again when the last one does not work any more.
   *
   * @throws {McpctlError} `unauthenticated` when there is none.
   */
  credential(): Promise<string>;
  /** Where records of tool calls are kept, and what was last known of the project. */
  stateDir: string;
  graceSeconds: number;
  logLevel: LogLevel;
  streams: { stdin: Readable; stdout: Writable; stderr: Writable };
  /** The process that has started this one. */
  parentPid(): number;
  /** Ends it. */
  signal: AbortSignal;
}

/**
 * Serves a project to the client that has started this process, until the client closes its end, dies, or the signal
 * aborts. The caller ends the process then: whatever cannot be closed in time is left to that.
 *
 * @returns the exit code.
 * @throws {McpctlError} `invalid` without a project; `config-invalid` when the state cannot be kept.
 */
export async function runStdio(options: StdioOptions): Promise<number> {
  const { mcpdUrl, project, credential, stateDir, graceSeconds, logLevel, streams } = options;
  await requireProject(options);
  const { stdin, stdout, stderr } = streams;
  const log = createLogger({ program: "mcplocal", level: logLevel, write: (line) => void stderr.write(line) });
  const lifetime = watchLifetime(options);
  const dispatcher = createDispatcher();
  const { whoami, mayShip } = createAccount(createAskMcpd({ mcpdUrl, dispatcher }));
  const records = await openRecords({
    directory: join(stateDir, "calls", encodeURIComponent(mcpdUrl)),
    log,
    mayShip: async () => mayShip(await credential()),
    send: async (body) => createCallSender({ mcpdUrl, credential: await credential(), dispatcher })(body),
  });
  const gateway = createStdioGateway({
    controlPlane: createHttpControlPlane({ mcpdUrl, dispatcher }),
    whoami,
    credential,
    project,
    graceSeconds,
    sink: stdout,
    log,
    auditLog: records.auditLog,
    lastKnown: openLastKnownGood({ directory: join(stateDir, "last-known", encodeURIComponent(mcpdUrl)), log }),
    onOverflow: () => lifetime.end("overflow"),
  });
  pumpInput({ stdin, stdout, gateway, onStalled: () => lifetime.end("overflow") });
  const reason = await lifetime.over;
  if (reason === "overflow") log.error({}, "the client does not read its answers");
  if (reason === "eof") await within(LAST_ANSWERS_MS, gateway.idle());
  const closing = closeAll({ gateway, stdout, records });
  await within(
    CLOSING_MS,
    closing.catch((err: unknown) => log.error({ err }, "cannot be closed in good order")),
  );
  await dispatcher.destroy();
  return reason === "overflow" ? 1 : 0;
}

interface Open {
  gateway: StdioGateway;
  records: Records;
  stdout: Writable;
}

async function closeAll({ gateway, records, stdout }: Open): Promise<void> {
  const closing = gateway.close();
  // What is given up is recorded as that before the record is closed.
  await nextTurn();
  await Promise.all([closing.then(() => written(stdout)), records.close()]);
}

/** Resolves when all that was written has been taken. */
function written(stdout: Writable): Promise<void> {
  return new Promise((resolve) => stdout.write("", () => resolve()));
}

async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  const timer = new AbortController();
  await Promise.race([work, sleep(milliseconds, undefined, { signal: timer.signal }).catch(() => {})]);
  timer.abort();
}

/** A person may use several projects, and must say which; a token has one. */
async function requireProject({ project, credential }: Pick<StdioOptions, "project" | "credential">): Promise<void> {
  if (project !== undefined) return;
  const bearer = await credential().catch((thrown: unknown) => {
    if (hasCode(thrown, "unauthenticated")) return "";
    throw thrown;
  });
  if (isMcpToken(bearer)) return;
  throw new McpctlError("invalid", "No project is given", { hint: "Name it with: --project PROJECT" });
}
