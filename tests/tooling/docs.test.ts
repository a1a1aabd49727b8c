import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");
const PAGES = [
  "README.md",
  "CONTRIBUTING.md",
  "REVIEW.md",
  "docs/architecture.md",
  "docs/glossary.md",
  "docs/login.md",
  "docs/performance.md",
  "docs/test-mcp.md",
  "examples/vllm-agent/README.md",
];

describe("what the documentation names", () => {
  it.each(PAGES)("%s links only to pages that exist", (page) => {
    const links = [...read(page).matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, target = ""]) => target);
    const local = links.filter((target) => !/^[a-z]+:/.test(target));
    expect(local.filter((target) => !existsSync(join(ROOT, dirname(page), target)))).toEqual([]);
  });

  it("docs/performance.md names only files that exist", () => {
    const named = [...read("docs/performance.md").matchAll(/`((?:bench|src)\/[\w./-]+)`/g)].map(
      ([, path = ""]) => path,
    );
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it("docs/architecture.md names only files that exist", () => {
    const roots = ["", "src", ...readdirSync(join(ROOT, "src")).map((name) => `src/${name}/src`)];
    const named = [...read("docs/architecture.md").matchAll(/`([a-z][\w./-]*(?:\.ts|\/))`/g)].map(
      ([, path = ""]) => path,
    );
    expect(named.length).toBeGreaterThan(30);
    const exists = (path: string) =>
      roots.some((root) => existsSync(join(ROOT, root, path)) || existsSync(join(ROOT, "src", withSrc(path))));
    expect(named.filter((path) => !exists(path))).toEqual([]);
  });
});

/** The page writes `mcpd/relay/` for `src/mcpd/src/relay/`. */
function withSrc(path: string): string {
  const [program = "", ...rest] = path.split("/");
  return [program, "src", ...rest].join("/");
}

function read(page: string): string {
  return readFileSync(join(ROOT, page), "utf8");
}
