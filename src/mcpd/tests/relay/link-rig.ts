import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { servers } from "@mcpctl/shared/kinds/servers.ts";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import { onTestFinished } from "vitest";
import type { Access } from "../../src/relay/live-access.ts";
import { type LinkLimits, RelayLink } from "../../src/relay/relay-link.ts";
import { until } from "../orchestrators/rig.ts";

type Message = Record<string, unknown> & { id?: unknown; result?: { content?: { text: string }[] } };

const LIMITS: LinkLimits = {
  maxLineBytes: 100_000,
  maxCalls: 300,
  pauseBytes: 200_000,
  maxUnsentBytes: 1_000_000,
  stallMs: 30_000,
  idleMs: 60_000,
};

/** What a test says about the caller's rights and the time. */
export interface Conditions {
  access: Access | Error;
  now: number;
  /** How often the rights were asked for. */
  asked: number;
  /** Holds the next answers back. */
  hold?: Promise<void>;
}

export function accessOf(isAllowed: (tool: string) => boolean, spec: object = { command: "node" }): Access {
  const server = { metadata: { name: "echo" }, spec: servers.spec.parse(spec) };
  return { server: server as Access["server"], isAllowed };
}

export interface OpenLink {
  link: RelayLink;
  conditions: Conditions;
  /** The caller's end, and the link's. */
  socket: Socket;
  far: Socket;
  /** Every message that has come. */
  received: Message[];
  isEnded(): boolean;
  send(...messages: (object | string)[]): void;
  /** Sends a request and waits for its answer. */
  ask(message: Message): Promise<Message>;
  call(name: string, params?: object, id?: string | number): Promise<Message>;
}

/** A link over a real connection; `tick` is the test's to call. */
export async function openLink(upstream: Upstream, limits: Partial<LinkLimits> = {}): Promise<OpenLink> {
  const [near, far] = await socketPair();
  const granted = accessOf((tool) => tool !== "secret");
  const conditions: Conditions = { access: granted, now: 0, asked: 0 };
  const state = { isEnded: false, nextId: 1_000 };
  const link = new RelayLink({
    socket: far,
    upstream: { ...bound(upstream), close: async () => {} },
    granted,
    async authorize() {
      conditions.asked += 1;
      await conditions.hold;
      if (conditions.access instanceof Error) throw conditions.access;
      return conditions.access;
    },
    limits: { ...LIMITS, ...limits },
    now: () => conditions.now,
    onEnd() {},
  });
  const received: Message[] = [];
  createInterface({ input: near }).on("line", (line) => received.push(JSON.parse(line) as Message));
  near.on("end", () => (state.isEnded = true)).on("close", () => (state.isEnded = true));
  const send = (...messages: (object | string)[]) => {
    const lines = messages.map((one) => (typeof one === "string" ? one : JSON.stringify({ jsonrpc: "2.0", ...one })));
    near.write(lines.map((line) => `${line}\n`).join(""));
  };
  const ask = async (message: Message) => {
    send(message);
    const find = () => received.find(({ id }) => id === message.id);
    await until(() => find() !== undefined || state.isEnded);
    return find() ?? {};
  };
  return {
    link,
    conditions,
    socket: near,
    far,
    received,
    isEnded: () => state.isEnded,
    send,
    ask,
    call: (name, params = {}, id = state.nextId++) => ask({ id, method: "tools/call", params: { name, ...params } }),
  };
}

function bound(upstream: Upstream): Omit<Upstream, "close"> {
  return {
    identity: undefined,
    connect: (signal) => upstream.connect(signal),
    request: (method, params, options) => upstream.request(method, params, options),
    onChange: (listener) => upstream.onChange(listener),
    subscribe: (uri) => upstream.subscribe(uri),
  };
}

export async function socketPair(): Promise<[Socket, Socket]> {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const near = connect((listener.address() as AddressInfo).port, "127.0.0.1");
  const [far] = (await once(listener, "connection")) as [Socket];
  for (const socket of [near, far]) socket.on("error", () => {});
  onTestFinished(() => {
    near.destroy();
    far.destroy();
    listener.close();
  });
  return [near, far];
}

export function contentOf({ result }: Message): string {
  return result?.content?.[0]?.text ?? "";
}
