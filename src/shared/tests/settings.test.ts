import { describe, expect, it } from "vitest";
import * as z from "zod";
import { describeSettings, listenAddress, readSettings } from "../src/settings.ts";

const schema = z.object({
  dataDir: z.string().default("/data").describe("Where data lies."),
  maxBytes: z.coerce.number().int().min(1).default(10).describe("A limit."),
  isQuiet: z.boolean().default(false).describe("Says less."),
});
const read = (argv: string[], env = {}, file?: Record<string, unknown>) =>
  readSettings(schema, { argv, env, prefix: "X_", file, readFile: (path) => `content of ${path}\n` });

describe("readSettings", () => {
  it("takes flags over environment over file over defaults", () => {
    expect(read([])).toEqual({ dataDir: "/data", maxBytes: 10, isQuiet: false });
    expect(read([], {}, { dataDir: "/file" }).dataDir).toBe("/file");
    expect(read([], { X_DATA_DIR: "/env" }, { dataDir: "/file" }).dataDir).toBe("/env");
    expect(read(["--data-dir", "/flag"], { X_DATA_DIR: "/env" }).dataDir).toBe("/flag");
    expect(read(["--data-dir=/a=b", "--is-quiet"])).toMatchObject({ dataDir: "/a=b", isQuiet: true });
  });

  it("reads a value from the file that a variable names", () => {
    expect(read([], { X_DATA_DIR_FILE: "/run/secret" }).dataDir).toBe("content of /run/secret");
  });

  it("takes no secret from the command line, but the path of a file that holds it", () => {
    const secret = z.object({ apiKey: z.string().optional().meta({ secret: true, description: "A key." }) });
    const readSecret = (argv: string[], env = {}) =>
      readSettings(secret, { argv, env, prefix: "X_", readFile: (path) => `content of ${path}\n` });
    expect(readSecret(["--api-key-file", "/run/key"]).apiKey).toBe("content of /run/key");
    expect(readSecret([], { X_API_KEY: "of the environment" }).apiKey).toBe("of the environment");
    expect(() => readSecret(["--api-key", "visible"])).toThrow("Unknown flag --api-key");
    expect(describeSettings(secret, "X_")).toEqual(["  --api-key-file PATH  X_API_KEY  A key."]);
  });

  it.each([
    [["--data-dri", "x"], {}, undefined, /Unknown flag --data-dri/, "Did you mean --data-dir?"],
    [["--data-dir"], {}, undefined, /needs a value/, undefined],
    [["--max-bytes", "1", "--max-bytes", "2"], {}, undefined, /given twice/, undefined],
    [["--max-bytes", "none"], {}, undefined, /--max-bytes: /, "See the settings with: --help"],
    [[], { X_MAX_BYTES: "0" }, undefined, /X_MAX_BYTES: /, "See the settings with: --help"],
    [[], {}, { datadir: "x" }, /Unknown setting "datadir"/, 'Did you mean "dataDir"?'],
  ])("refuses %j %j %j", (...[argv, env, file, message, hint]) => {
    const refused = expect.objectContaining({
      code: "config-invalid",
      message: expect.stringMatching(message),
      ...(hint && { hint }),
    });
    expect(() => read(argv, env, file)).toThrow(refused);
  });

  it("describes every setting in both forms", () => {
    expect(describeSettings(schema, "X_").join("\n")).toMatchInlineSnapshot(`
      "  --data-dir VALUE   X_DATA_DIR   Where data lies.
        --max-bytes VALUE  X_MAX_BYTES  A limit.
        --is-quiet         X_IS_QUIET   Says less."
    `);
  });
});

describe("listenAddress", () => {
  it.each([
    ["127.0.0.1:80", { host: "127.0.0.1", port: 80 }],
    [":7400", { host: "127.0.0.1", port: 7400 }],
    ["[::1]:1", { host: "::1", port: 1 }],
    ["localhost:0", { host: "localhost", port: 0 }],
  ])("reads %s", (text, address) => expect(listenAddress.parse(text)).toEqual(address));

  it.each(["7400", "host:", "host:70000", "a b:1", ""])("refuses %j", (text) => {
    expect(listenAddress.safeParse(text).success).toBe(false);
  });
});
