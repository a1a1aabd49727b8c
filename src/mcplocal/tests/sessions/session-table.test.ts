import { describe, expect, it } from "vitest";
import { SessionTable } from "../../src/sessions/session-table.ts";

const ada = { name: "a", project: "demo", sha: "aa", creator: "ada" };
const bob = { name: "b", project: "demo", sha: "bb", creator: "bob" };

const starting = (requestedVersion: string) => ({ requestedVersion, capabilities: undefined });

function setUp() {
  const clock = { ms: 0 };
  return { clock, table: new SessionTable(() => clock.ms) };
}

describe("SessionTable", () => {
  it("gives ids that nobody guesses and every header takes", () => {
    const { table } = setUp();
    const ids = Array.from({ length: 1_000 }, () => table.open(ada, starting("2025-11-25")).id);
    expect(new Set(ids).size).toBe(1_000);
    for (const id of ids) expect(id).toMatch(/^[\x21-\x7e]{24,200}$/);
  });

  it("finds a session for its token and project only", () => {
    const { table } = setUp();
    const { id } = table.open(ada, starting("2025-11-25"));
    expect(table.find(id, ada)?.id).toBe(id);
    expect(table.find(id, bob)).toBeUndefined();
    expect(table.find(id, { ...ada, project: "other" })).toBeUndefined();
    expect(table.find("", ada)).toBeUndefined();
  });

  it("forgets a session half an hour after its last use, and knows it again when its client comes back", () => {
    const { table, clock } = setUp();
    const { id } = table.open(ada, starting("2025-11-25"));
    clock.ms += 1_700_000;
    table.sweep();
    expect(table.find(id, ada)).toBeDefined();
    clock.ms += 1_800_001;
    table.sweep();
    expect(table.size).toBe(0);
    expect(table.find(id, ada)?.id).toBe(id);
  });

  it("goes on with what another replica opened, with all that the client declared", () => {
    const capabilities = { elicitation: { form: {} }, sampling: {} };
    const { id } = setUp().table.open(ada, { requestedVersion: "2025-06-18", capabilities });
    const { table } = setUp();
    expect(table.find(id, ada)).toMatchObject({ id, protocolVersion: "2025-06-18", capabilities });
    expect(table.size).toBe(1);
  });

  it("does not know what another token or project opened on another replica, nor an id that was changed", () => {
    const { id } = setUp().table.open(ada, starting("2025-11-25"));
    const { table } = setUp();
    const [random, binding] = id.split(".");
    const forged = Buffer.from('{"v":"2025-11-25","c":{"sampling":{}}}').toString("base64url");
    expect(table.find(id, bob)).toBeUndefined();
    expect(table.find(id, { ...ada, project: "other" })).toBeUndefined();
    expect(table.find(`${random}.${binding}.${forged}`, ada)).toBeUndefined();
    for (const odd of [`${id}.x`, "..", id.slice(1), `${id}${"A".repeat(3_000)}`, "a.b.c"])
      expect(table.find(odd, ada)).toBeUndefined();
    expect(table.size).toBe(0);
  });

  it("does not bring back what its client has ended", () => {
    const { table } = setUp();
    const session = table.open(ada, starting("2025-11-25"));
    table.end(session);
    expect(table.find(session.id, ada)).toBeUndefined();
  });

  it("keeps what a client declared at great length out of the id", () => {
    const { table } = setUp();
    const capabilities = { sampling: { x: "y".repeat(5_000) } };
    const session = table.open(ada, { requestedVersion: "2025-11-25", capabilities });
    expect(session.id.length).toBeLessThan(100);
    expect(table.find(session.id, ada)?.capabilities).toEqual(capabilities);
  });

  it("keeps a session with an open stream or a running call", () => {
    const { table, clock } = setUp();
    const [streaming, calling] = [table.open(ada, starting("2025-11-25")), table.open(ada, starting("2025-11-25"))];
    streaming.streams.push({ close: () => {} });
    calling.running.set(1, new AbortController());
    clock.ms += 10_000_000;
    table.sweep();
    expect(table.size).toBe(2);
  });

  it("ends what belongs to a session with it", () => {
    const { table } = setUp();
    const session = table.open(ada, starting("2025-11-25"));
    const call = new AbortController();
    let isClosed = false;
    session.running.set(1, call);
    session.streams.push({ close: () => (isClosed = true) });
    table.endOfToken("aa");
    expect([call.signal.aborted, isClosed, table.size]).toEqual([true, true, 0]);
  });

  it("takes room for a greedy token from that token", () => {
    const { table } = setUp();
    const others = table.open(bob, starting("2025-11-25"));
    const oldest = table.open(ada, starting("2025-11-25"));
    for (let count = 0; count < 5_000; count += 1) table.open(ada, starting("2025-11-25"));
    expect(table.size).toBe(2_001);
    expect(table.find(others.id, bob)).toBeDefined();
    expect(table.find(oldest.id, ada)).not.toBe(oldest);
    expect(table.size).toBe(2_001);
  });

  it("never holds more than it is meant to", () => {
    const { table } = setUp();
    for (let count = 0; count < 25_000; count += 1)
      table.open({ ...ada, sha: String(count % 100) }, starting("2025-11-25"));
    expect(table.size).toBe(20_000);
  });
});
