import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Row } from "../../measure/rows.ts";
import { growthPlots } from "./growth-plots.ts";
import { memoryPlot } from "./memory-plot.ts";
import { overviewPlot } from "./overview-plot.ts";
import { renderSvg } from "./render-svg.ts";

/** Draws what was measured, a file for each plot. @returns their names. */
export async function writePlots(dir: string, rows: readonly Row[]): Promise<string[]> {
  const has = (name: string) => rows.some(({ suite }) => suite === name);
  const plots = growthPlots(rows);
  if (has("hot-path")) plots.set("hot-path.svg", overviewPlot(rows));
  if (has("memory")) plots.set("memory.svg", memoryPlot(rows));
  mkdirSync(dir, { recursive: true });
  for (const [name, spec] of plots) writeFileSync(join(dir, name), await renderSvg(spec));
  return [...plots.keys()];
}
