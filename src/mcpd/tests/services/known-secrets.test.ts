import { createLogger } from "@mcpctl/shared/log.ts";
import { expect, it } from "vitest";
import { createKnownSecrets } from "../../src/services/known-secrets.ts";

it("takes values that were seen out of the log, in whatever way JSON writes them, the longest first", () => {
  const known = createKnownSecrets();
  const [plain, quoted, longer] = ["plain-secret", 'with "quotes"\nand lines', "plain-secret-and-more"];
  known.add([plain, quoted, longer]);
  const lines: string[] = [];
  const write = (line: string) => void lines.push(known.scrub(line));
  const log = createLogger({ program: "test", level: "info", write });
  log.info({ err: new Error(`failed with ${plain}`), value: quoted, nested: { list: [longer] } }, `said ${quoted}`);
  const [line = ""] = lines;
  expect(line).not.toMatch(/plain-secret|quotes|and lines|-and-more/);
  expect(JSON.parse(line)).toMatchObject({ msg: "said [redacted]", nested: { list: ["[redacted]"] } });
});
