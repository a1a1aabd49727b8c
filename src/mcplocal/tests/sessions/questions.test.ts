import { afterEach, describe, expect, it, vi } from "vitest";
import { Questions } from "../../src/sessions/questions.ts";
import type { Json } from "../support/wire.ts";

const signal = new AbortController().signal;
const result = (value: object) => ({ kind: "result", json: Buffer.from(JSON.stringify(value)) }) as const;

function setUp() {
  const sent: Json[] = [];
  const questions = new Questions();
  const send = (message: Uint8Array): boolean => {
    sent.push(JSON.parse(Buffer.from(message).toString()));
    return true;
  };
  const ask = (given = signal) => questions.ask({ method: "roots/list", params: { a: 1 }, send, signal: given });
  return { sent, questions, ask };
}

afterEach(() => void vi.useRealTimers());

describe("a question to a client", () => {
  it("is a request with an id of its own, and gets the answer to that, in whatever order", async () => {
    const { sent, questions, ask } = setUp();
    const asked = [ask(), ask()];
    expect(sent.map(({ method, params }) => ({ method, params }))).toEqual([
      { method: "roots/list", params: { a: 1 } },
      { method: "roots/list", params: { a: 1 } },
    ]);
    questions.answer(sent[1].id, result({ second: true }));
    questions.answer(sent[0].id, result({ first: true }));
    questions.answer(sent[0].id, result({ again: true }));
    questions.answer("made up", result({}));
    expect((await Promise.all(asked)).map(({ json }) => JSON.parse(json.toString()))).toEqual([
      { first: true },
      { second: true },
    ]);
    expect(questions.size).toBe(0);
  });

  it("fails at once when the client cannot be reached", async () => {
    const { questions } = setUp();
    const asked = questions.ask({ method: "roots/list", params: {}, send: () => false, signal });
    await expect(asked).rejects.toMatchObject({ code: "upstream-unavailable" });
    expect(questions.size).toBe(0);
  });

  it("fails when the session ends", async () => {
    const { questions, ask } = setUp();
    const asked = ask();
    questions.end();
    await expect(asked).rejects.toMatchObject({ code: "upstream-unavailable" });
  });

  it("is taken back when nobody wants the answer any more, and the client hears of it", async () => {
    const { sent, questions, ask } = setUp();
    const gone = new AbortController();
    const asked = ask(gone.signal);
    gone.abort(new Error("gone"));
    await expect(asked).rejects.toThrow("gone");
    expect(sent[1]).toMatchObject({ method: "notifications/cancelled", params: { requestId: sent[0].id } });
    expect(questions.size).toBe(0);
  });

  it("is not put when nobody wants the answer any more", async () => {
    const { sent, ask } = setUp();
    await expect(ask(AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
    expect(sent).toEqual([]);
  });

  it("fails after ten minutes", async () => {
    vi.useFakeTimers();
    const { ask } = setUp();
    const asked = ask().catch((thrown: unknown) => thrown);
    await vi.advanceTimersByTimeAsync(600_001);
    expect(await asked).toMatchObject({ code: "request-timeout" });
  });

  it("is one of a limited number", async () => {
    const { questions, ask } = setUp();
    const asked = Array.from({ length: 64 }, () => ask().catch(() => {}));
    await expect(ask()).rejects.toMatchObject({ code: "too-many-requests" });
    questions.end();
    await Promise.all(asked);
  });
});
