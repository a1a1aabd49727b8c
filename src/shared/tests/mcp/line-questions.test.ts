import { describe, expect, it } from "vitest";
import { LineQuestions } from "../../src/mcp/line-questions.ts";
import { PendingRequests } from "../../src/mcp/pending-requests.ts";
import type { UpstreamReply } from "../../src/mcp/upstream.ts";

const encoder = new TextEncoder();
const result = (value: object): UpstreamReply => ({ kind: "result", json: encoder.encode(JSON.stringify(value)) });

interface Asked {
  caller: string;
  method: string;
  params: object;
}

function setUp(isRelayed = false) {
  const written: object[] = [];
  const asked: Asked[] = [];
  const pending = new PendingRequests({ onTimeout: () => {}, onAbort: () => {} });
  const questions = new LineQuestions({
    server: "files",
    pending,
    isRelayed,
    write: (line) => written.push(JSON.parse(line)),
  });
  function call(id: number, capabilities: object | undefined) {
    const done = Promise.withResolvers<UpstreamReply>();
    const client = capabilities && {
      capabilities: { ...capabilities },
      ask: async (method: string, params: Record<string, unknown>) => {
        asked.push({ caller: `call ${id}`, method, params });
        return result({ from: id });
      },
    };
    pending.add(id, { resolve: done.resolve, reject: done.reject, client, timeoutSeconds: 10 });
    return done.promise;
  }
  const ask = (id: string, method = "roots/list", params: object = {}) =>
    questions.answer(id, method, encoder.encode(JSON.stringify({ jsonrpc: "2.0", id, method, params })));
  return { written, asked, pending, questions, call, ask };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));
const ROOTS = { roots: {} };

describe("a question of a server whose calls share a line", () => {
  it("is put to the client of the only call that can be asked", async () => {
    const { written, asked, call, ask } = setUp();
    void call(1, undefined);
    void call(2, {});
    void call(3, ROOTS);
    ask("q", "elicitation/create", { message: "?" });
    await settled();
    expect(asked).toEqual([{ caller: "call 3", method: "elicitation/create", params: { message: "?" } }]);
    expect(written).toEqual([{ jsonrpc: "2.0", id: "q", result: { from: 3 } }]);
  });

  it("is put to nobody when nobody can be asked", async () => {
    const { written, call, ask } = setUp();
    void call(1, undefined);
    ask("q");
    await settled();
    expect(written).toEqual([{ jsonrpc: "2.0", id: "q", error: expect.objectContaining({ code: -32601 }) }]);
  });

  it("is put to nobody when it may belong to several calls, whose successors then wait for them and each other", async () => {
    const { written, asked, pending, questions, call, ask } = setUp();
    const order: string[] = [];
    const run = (id: number) =>
      questions
        .run(() => {
          order.push(`begin ${id}`);
          return call(id, ROOTS);
        })
        .then(() => order.push(`end ${id}`));
    const first = [run(1), run(2)];
    ask("q");
    await settled();
    expect(asked).toEqual([]);
    expect(written).toEqual([
      {
        jsonrpc: "2.0",
        id: "q",
        error: expect.objectContaining({ data: expect.objectContaining({ code: "conflict" }) }),
      },
    ]);
    const second = [run(3), run(4)];
    await settled();
    expect(order).toEqual(["begin 1", "begin 2"]);
    pending.take(2)?.resolve(result({}));
    await settled();
    expect(order).toEqual(["begin 1", "begin 2", "end 2"]);
    pending.take(1)?.reject(new Error("gone"));
    await expect(first[0]).rejects.toThrow("gone");
    await settled();
    expect(order.slice(3)).toEqual(["begin 3"]);
    ask("again");
    await settled();
    expect(asked).toHaveLength(1);
    pending.take(3)?.resolve(result({}));
    await settled();
    expect(order.slice(3)).toContain("begin 4");
    pending.take(4)?.resolve(result({}));
    await Promise.all([first[1], ...second]);
  });

  it("is answered without anybody when it is a ping, and refused when it is nothing that clients are asked", async () => {
    const { written, asked, call, ask } = setUp();
    void call(1, ROOTS);
    ask("p", "ping");
    ask("x", "tools/list");
    await settled();
    expect(asked).toEqual([]);
    expect(written).toEqual([
      { jsonrpc: "2.0", id: "p", result: {} },
      { jsonrpc: "2.0", id: "x", error: expect.objectContaining({ code: -32601 }) },
    ]);
  });

  it("is answered with the reason when the client does not answer", async () => {
    const { written, pending, ask } = setUp();
    const client = { capabilities: ROOTS, ask: () => Promise.reject(new Error("secret")) };
    pending.add(1, { resolve: () => {}, reject: () => {}, client });
    ask("q");
    await settled();
    expect(JSON.stringify(written)).not.toContain("secret");
    expect(written).toEqual([{ jsonrpc: "2.0", id: "q", error: expect.objectContaining({ code: -32603 }) }]);
  });

  it("is taken back from the client when its call ends without waiting for the answer", async () => {
    const { written, pending, ask } = setUp();
    let taken: AbortSignal | undefined;
    const client = {
      capabilities: ROOTS,
      ask: (_method: string, _params: object, signal: AbortSignal) => {
        taken = signal;
        return new Promise<UpstreamReply>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
    };
    pending.add(1, { resolve: () => {}, reject: () => {}, client, timeoutSeconds: 10 });
    ask("q");
    await settled();
    expect(taken?.aborted).toBe(false);
    pending.take(1)?.resolve(result({}));
    await settled();
    expect(taken?.aborted).toBe(true);
    expect(written).toEqual([
      { jsonrpc: "2.0", id: "q", error: expect.objectContaining({ code: expect.any(Number) }) },
    ]);
  });
});

describe("a question that mcpd passes on", () => {
  it("belongs to the call that its mark names, and reaches the client without the mark", async () => {
    const { asked, call, ask } = setUp(true);
    void call(1, ROOTS);
    void call(2, ROOTS);
    ask("q", "roots/list", { _meta: { "mcpctl.io/belongs-to": 2, kept: true } });
    await settled();
    expect(asked).toEqual([{ caller: "call 2", method: "roots/list", params: { _meta: { kept: true } } }]);
  });

  it.each([undefined, 9, "2", 1])(
    "is put to nobody when its mark is %j, of no call that can be asked",
    async (mark) => {
      const { written, asked, call, ask } = setUp(true);
      void call(1, undefined);
      void call(2, ROOTS);
      ask("q", "roots/list", mark === undefined ? {} : { _meta: { "mcpctl.io/belongs-to": mark } });
      await settled();
      expect(asked).toEqual([]);
      expect(written).toEqual([{ jsonrpc: "2.0", id: "q", error: expect.objectContaining({ code: -32601 }) }]);
    },
  );
});
