import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { createProcessIo } from "../src/process-io.ts";

/** Streams that behave like those of a terminal, as far as `Io` looks at them. */
function createTerminal() {
  const modes: boolean[] = [];
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (mode: boolean) => void modes.push(mode) });
  const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 120 });
  const stderr = Object.assign(new PassThrough(), { isTTY: true });
  const controller = new AbortController();
  const streams = { stdin, stdout, stderr } as unknown as Pick<NodeJS.Process, "stdin" | "stdout" | "stderr">;
  const interrupt = () => controller.abort(new Error("interrupted"));
  const io = createProcessIo({ ...streams, signal: controller.signal, interrupt });
  return { io, stdin, stdout, stderr, modes };
}

describe("askSecret", () => {
  it.each([
    ["typed", ["s", "e", "c", "r", "e", "t", "\r"], "secret"],
    ["pasted", ["secret\n"], "secret"],
    ["corrected", ["sex\u007f\u007fecrett\b\r"], "secret"],
    ["begun again", ["wrong\u0015right\r"], "right"],
    ["with other control keys", ["a\u001bb\tc\r"], "abc"],
    ["of any script", ["pässwörd 美\r"], "pässwörd 美"],
    ["ended by Ctrl-D", ["abc\u0004"], "abc"],
  ])("returns what was %s, and shows nothing of it", async (_, chunks, secret) => {
    const { io, stdin, stderr, modes } = createTerminal();
    const asked = io.askSecret("Password: ");
    for (const chunk of chunks) stdin.write(chunk);
    expect(await asked).toBe(secret);
    expect(stderr.read()?.toString()).toBe("Password: \n");
    expect(modes).toEqual([true, false]);
  });

  it("ends with the input", async () => {
    const { io, stdin } = createTerminal();
    const asked = io.askSecret("Password: ");
    stdin.end("half");
    expect(await asked).toBe("half");
  });

  it("is interrupted by Ctrl-C and leaves the terminal as it was", async () => {
    const { io, stdin, modes } = createTerminal();
    const asked = io.askSecret("Password: ");
    stdin.write("abc\u0003");
    await expect(asked).rejects.toThrow("interrupted");
    expect(modes).toEqual([true, false]);
  });
});

describe("the rest", () => {
  it("asks on stderr and reads one line", async () => {
    const { io, stdin, stderr } = createTerminal();
    const asked = io.ask("User: ");
    stdin.write("alice\n");
    expect(await asked).toBe("alice");
    expect(stderr.read()?.toString()).toContain("User: ");
  });

  it("takes the end of the input for an empty answer", async () => {
    const { io, stdin } = createTerminal();
    const asked = io.ask("User: ");
    stdin.end();
    expect(await asked).toBe("");
  });

  it("reads standard input to its end, up to a limit", async () => {
    const first = createTerminal();
    first.stdin.end("one\ntwo\n");
    expect(await first.io.readStdin(100)).toBe("one\ntwo\n");
    const second = createTerminal();
    second.stdin.end("x".repeat(101));
    await expect(second.io.readStdin(100)).rejects.toMatchObject({ code: "invalid" });
  });

  it("goes on when the reader of its output has gone, and fails on any other fault", () => {
    const { stdout } = createTerminal();
    expect(() => stdout.emit("error", Object.assign(new Error("gone"), { code: "EPIPE" }))).not.toThrow();
    expect(() => stdout.emit("error", Object.assign(new Error("full"), { code: "ENOSPC" }))).toThrow("full");
  });
});
