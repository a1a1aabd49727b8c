import { parse, View } from "vega";
import { compile, type Config, type TopLevelSpec } from "vega-lite";

/** What a picture is drawn with, and what takes its place where the reader's system is dark. */
const THEME = {
  background: { light: "#ffffff", dark: "#0d1117" },
  text: { light: "#1f2328", dark: "#e6edf3" },
  axis: { light: "#6e7781", dark: "#8b949e" },
  grid: { light: "#d8dee4", dark: "#30363d" },
};

/** Told apart by people who see no difference of red and green, on white and on black. */
export const COLOURS = ["#2f81d6", "#d9730d", "#1b9e77", "#a35bc4"] as const;
export const GUIDE_COLOUR = THEME.axis.light;

const FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif";

const CONFIG: Config = {
  // The page describes each picture; a description of every mark would be most of the file.
  aria: false,
  background: THEME.background.light,
  font: FONT,
  padding: 12,
  view: { stroke: null },
  axis: {
    labelColor: THEME.text.light,
    titleColor: THEME.text.light,
    labelFontSize: 11,
    titleFontSize: 12,
    titleFontWeight: "normal",
    domainColor: THEME.axis.light,
    tickColor: THEME.axis.light,
    gridColor: THEME.grid.light,
    // Widths of text are only guessed without a browser, and guessed too large.
    labelLimit: 0,
    labelOverlap: false,
    labelFlush: false,
  },
  title: { color: THEME.text.light, fontSize: 13, fontWeight: 600, anchor: "start", offset: 10 },
  concat: { spacing: 62 },
  legend: { labelColor: THEME.text.light, labelFontSize: 12, labelLimit: 0, symbolStrokeWidth: 2.5, symbolOpacity: 1 },
  header: { labelColor: THEME.text.light, labelFontSize: 13, labelFontWeight: 600 },
};

type Concatenation = Extract<TopLevelSpec, { hconcat: unknown }>;
/** A plot that may stand beside others. */
export type PlotSpec = Concatenation["hconcat"][number];
export type Channels = NonNullable<Extract<PlotSpec, { layer: unknown }>["encoding"]>;

/** Draws a specification of Vega-Lite as SVG that follows the reader's colour scheme. */
export async function renderSvg(spec: TopLevelSpec): Promise<string> {
  const view = new View(parse(compile(spec, { config: CONFIG }).spec), { renderer: "none" });
  const svg = await view.toSVG();
  view.finalize();
  return `${svg.replace(/^(<svg[^>]*>)/, `$1${darkStyle()}`)}\n`;
}

function darkStyle(): string {
  const rules = Object.values(THEME).flatMap(({ light, dark }) => [
    `[fill="${light}"]{fill:${dark}}`,
    `[stroke="${light}"]{stroke:${dark}}`,
  ]);
  return `<style>@media (prefers-color-scheme: dark){${rules.join("")}}</style>`;
}
