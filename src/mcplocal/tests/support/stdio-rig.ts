import { setImmediate as nextTurn } from "node:timers/promises";
import type { Whoami } from "@mcpctl/shared/api/contracts.ts";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { onTestFinished, vi } from "vitest";
import type { HttpFixture } from "../../../../tests/fixtures/http-fixture-server.ts";
import type { CallRecord } from "../../src/pipeline/call-record.ts";
import { createStdioGateway, type StdioGateway } from "../../src/stdio/stdio-gateway.ts";
import { createFakeControlPlane, type FakeControlPlane } from "./fake-control-plane.ts";
import { createMemoryLog } from "./gateway-rig.ts";
import { type Json, modern } from "./wire.ts";

export interface StdioRig {
  controlPlane: FakeControlPlane;
  gateway: StdioGateway;
  /** Every message to the client so far. */
  messages: Json[];
  /** The same as it was written. */
  lines: string[];
  records: CallRecord[];
  log: string[];
  /** Whose sessions work, by bearer. */
  sessions: Map<string, Pick<Whoami, "kind" | "name">>;
  /** What is logged in now. */
  login: { bearer: string | undefined };
  /** Whether answers were lost. */
  overflows(): number;
  /** Holds back what is written, as a pipe does that nobody reads. */
  hold(): void;
  write(text: string | Uint8Array): void;
  send(message: Json): void;
  /** Sends a request and waits for its answer. */
  ask(method: string, params?: Json): Promise<Json>;
  /** The same without a session. */
  askModern(method: string, params?: Json): Promise<Json>;
  initialize(capabilities?: Json): Promise<Json>;
  /** The first message that passes, also one of the past. */
  message(isWanted: (message: Json) => boolean): Promise<Json>;
}

interface StdioRigOptions {
  /** Servers of the project "demo", by name. */
  servers?: Record<string, HttpFixture>;
  /** Instead of the session of ada: a token of the project. */
  withToken?: boolean;
  project?: string | undefined;
  graceSeconds?: number;
}

export const SESSION = "mcpctl_ses_of_ada";

/** A gateway for one client, whose pipes are functions; it ends with the test. */
export function startStdioRig(options: StdioRigOptions = {}): StdioRig {
  const controlPlane = createFakeControlPlane();
  const servers = Object.entries(options.servers ?? {}).map(([name, { url }]) => ({ name, url }));
  controlPlane.setProject("demo", servers);
  const token = options.withToken ? controlPlane.addToken("demo") : undefined;
  const sessions: StdioRig["sessions"] = new Map([[SESSION, { kind: "User", name: "ada" }]]);
  const login: StdioRig["login"] = { bearer: token ?? SESSION };
  const { discover } = controlPlane;
  controlPlane.discover = async (project, bearer) => {
    if (token === undefined && !sessions.has(bearer ?? "")) throw new McpctlError("unauthenticated", "No valid bearer");
    return discover(project, bearer);
  };
  const output = createOutput();
  const records: CallRecord[] = [];
  const log: string[] = [];
  let overflows = 0;
  const gateway = createStdioGateway({
    controlPlane,
    async whoami(bearer): Promise<Whoami> {
      await controlPlane.ping();
      const who = sessions.get(bearer);
      if (!who) throw new McpctlError("unauthenticated", "No valid bearer");
      return { ...who, groups: [] };
    },
    async credential() {
      if (login.bearer !== undefined) return login.bearer;
      throw new McpctlError("unauthenticated", "Not logged in", { hint: "Log in with: mcpctl login" });
    },
    project: "project" in options ? options.project : "demo",
    graceSeconds: options.graceSeconds ?? 30,
    sink: output.sink,
    log: createMemoryLog(log),
    onCall: (record) => records.push(record),
    onOverflow: () => (overflows += 1),
  });
  onTestFinished(async () => {
    await gateway.close();
    await controlPlane.close();
  });
  const client = createClient(gateway, output);
  return { controlPlane, gateway, records, log, sessions, login, overflows: () => overflows, ...output, ...client };
}

function createOutput() {
  const messages: Json[] = [];
  const lines: string[] = [];
  let unread = "";
  let isHeld = false;
  return {
    messages,
    lines,
    hold: () => void (isHeld = true),
    sink: {
      write(chunk: Uint8Array, onWritten: () => void) {
        if (isHeld) return;
        const parts = (unread + Buffer.from(chunk).toString("utf8")).split("\n");
        unread = parts.pop() ?? "";
        for (const line of parts) {
          lines.push(line);
          messages.push(JSON.parse(line));
        }
        onWritten();
      },
      cork() {},
      uncork() {},
    },
  };
}

function createClient(gateway: StdioGateway, { messages }: Pick<StdioRig, "messages">) {
  let lastId = 0;
  const write = (text: string | Uint8Array): void => gateway.receive(Buffer.from(text));
  const send = (message: Json): void => write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  const message = (isWanted: (message: Json) => boolean): Promise<Json> =>
    vi.waitFor(
      async () => {
        await nextTurn();
        const found = messages.find(isWanted);
        if (found === undefined) throw new Error(`It is not among ${JSON.stringify(messages)}`);
        return found;
      },
      { timeout: 10_000, interval: 5 },
    );
  const ask = (method: string, params: Json = {}): Promise<Json> => {
    lastId += 1;
    const id = `ask-${lastId}`;
    send({ id, method, params });
    return message((one) => one.id === id);
  };
  return {
    write,
    send,
    message,
    ask,
    askModern: (method: string, params: Json = {}): Promise<Json> => {
      const { body } = modern(method, params) as { body: Json };
      return ask(method, body.params);
    },
    initialize: (capabilities: Json = {}): Promise<Json> =>
      ask("initialize", { protocolVersion: "2025-11-25", capabilities, clientInfo: { name: "test", version: "1" } }),
  };
}
