import { expect, it } from "vitest";
import { createLogger } from "../src/log.ts";
import { generateToken } from "../src/tokens/index.ts";

it("writes no bearer, wherever it stands in a line", () => {
  const { raw } = generateToken();
  const lines: string[] = [];
  const log = createLogger({ program: "test", level: "info", write: (line) => lines.push(line) });
  log.info({ url: `http://x.test/?token=${raw}` }, `using ${raw}`);
  log.error({ err: new Error(`cannot use ${raw}`) }, "failed");
  expect(lines).toHaveLength(2);
  expect(lines.join("")).not.toContain(raw.slice("mcpctl_pat_".length));
  expect(lines[0]).toContain("using mcpctl_[redacted]");
});
