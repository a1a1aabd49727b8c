import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Row } from "../../bench/measure/rows.ts";
import { readRows } from "../../bench/measure/rows-file.ts";
import { findFalls, WATCHED } from "../../bench/report/falls.ts";
import { type Curve, listCurves } from "../../bench/report/growth.ts";
import { fillPage } from "../../bench/report/page.ts";
import { growthPlots } from "../../bench/report/plots/growth-plots.ts";
import { renderSvg } from "../../bench/report/plots/render-svg.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const SIZES = [1, 10, 100, 1_000, 10_000];

/** Rows of one figure whose cost at a size is given, with two rounds that differ by `scatter`. */
function rowsOf(costOf: (size: number) => number, { suite = "growth-tools", value = "callP50Ms", scatter = 0 } = {}) {
  return SIZES.flatMap((size) =>
    [1, 2].map((round): Row => {
      const cost = costOf(size) * (round === 1 ? 1 : 1 + scatter);
      return { suite, case: String(size), target: "gateway", round, values: { [value]: cost } };
    }),
  );
}

function curveOf(rows: readonly Row[]): Curve | undefined {
  return listCurves(rows)[0];
}

describe("growth", () => {
  it("finds the power that a cost grows with", () => {
    expect(curveOf(rowsOf((size) => size ** 0.5))).toMatchObject({ verdict: "linear or better" });
    expect(curveOf(rowsOf((size) => size ** 0.5))?.exponent).toBeCloseTo(0.5);
  });

  it("flags what grows worse than linearly, also when a fixed cost hides it at small sizes", () => {
    expect(curveOf(rowsOf((size) => size ** 1.3))).toMatchObject({ verdict: "WORSE THAN LINEAR" });
    expect(curveOf(rowsOf((size) => 100_000 + size ** 2))).toMatchObject({ verdict: "WORSE THAN LINEAR" });
  });

  it("flags nothing that the server itself shows when it is reached directly", () => {
    const gateway = rowsOf((size) => size ** 1.3);
    const server = rowsOf((size) => size ** 1.4).map((row): Row => ({ ...row, target: "direct" }));
    expect(listCurves([...gateway, ...server]).map(({ verdict }) => verdict)).toEqual(["linear or better", ""]);
  });

  it("takes the inverse of a throughput as its cost", () => {
    const curve = curveOf(rowsOf((size) => 1_000 / size, { value: "callsPerSecond" }));
    expect(curve?.exponent).toBeCloseTo(1);
  });

  it("says that a cost depends on the number of tokens only beyond noise", () => {
    const tokens = { suite: "growth-tokens", value: "listP50Ms" };
    expect(curveOf(rowsOf((size) => 1 + size / 50_000, tokens))).toMatchObject({ verdict: "independent" });
    expect(curveOf(rowsOf((size) => 1 + size / 10_000, tokens))).toMatchObject({ verdict: "DEPENDS" });
    const noisy = curveOf(rowsOf((size) => 1 + size / 25_000, { ...tokens, scatter: 1 }));
    expect(noisy).toMatchObject({ verdict: "independent" });
  });

  it("says nothing of a cost that was too small to be measured", () => {
    expect(curveOf(rowsOf(() => 0))).toMatchObject({ exponent: NaN, verdict: "" });
  });

  it("draws a panel for each figure, in colours that follow the reader's scheme", async () => {
    const plot = growthPlots(rowsOf((size) => size)).get("growth-tools.svg");
    const svg = plot ? await renderSvg(plot) : "";
    expect(svg).toMatch(/^<svg/);
    for (const text of ["prefers-color-scheme: dark", "tools of the project", ">tools/call<", ">10k<"]) {
      expect(svg).toContain(text);
    }
  });
});

describe("the watch over speed", () => {
  const measured = (ratio: number) =>
    WATCHED.flatMap((name) =>
      Object.entries({ undici: 1_000, gateway: 1_000 * ratio }).map(([target, callsPerSecond]): Row => ({
        suite: "hot-path",
        case: name,
        target,
        round: 1,
        values: { callsPerSecond },
      })),
    );

  it("reports what has fallen to less than half of what is recorded", () => {
    expect(findFalls(measured(1.2), measured(0.55)).map((fall) => fall.case)).toEqual(WATCHED);
  });

  it("lets everything pass that has not", () => {
    expect(findFalls(measured(1.2), measured(0.65))).toEqual([]);
  });

  it("is not deceived by rounds in which something else had the machine", () => {
    const disturbed = [0.2, 0.3, 1.1].flatMap((ratio, at) =>
      measured(ratio).map((row): Row => ({ ...row, round: at + 1 })),
    );
    expect(findFalls(measured(1.2), disturbed)).toEqual([]);
  });

  it("fails when there is nothing to compare with", () => {
    expect(() => findFalls([], measured(1))).toThrow(/no measurement of "modern call x16"/);
  });
});

describe("docs/performance.md", () => {
  it("shows what is recorded", () => {
    const page = readFileSync(join(ROOT, "docs/performance.md"), "utf8");
    expect(fillPage(page, readRows(join(ROOT, "bench/recorded.jsonl")))).toBe(page);
  });

  it("must have a place for every table", () => {
    const rows = rowsOf((size) => size);
    expect(() => fillPage("# A page", rows)).toThrow("<!-- bench:growth-tools -->");
    const filled = fillPage("<!-- bench:growth-tools -->\n<!-- bench:end -->\nafter", rows);
    expect(filled).toMatch(/^<!-- bench:growth-tools -->\n\n\| figure [^]*\n\n<!-- bench:end -->\nafter$/);
  });
});
