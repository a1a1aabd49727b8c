import { type Channels, COLOURS, GUIDE_COLOUR, type PlotSpec } from "./render-svg.ts";

const WIDTH = 225;
const HEIGHT = 210;
const GUIDE = "linear growth, to compare";

/** One line of a panel. Values are positive; what was too small to be measured is left out. */
export interface Line {
  label: string;
  points: readonly LinePoint[];
}

interface LinePoint {
  size: number;
  middle: number;
  /** Of the rounds. */
  least: number;
  most: number;
}

export interface Panel {
  title: string;
  xTitle: string;
  lines: readonly Line[];
  /** Logarithmic over whole decades, or linear from zero. */
  yScale: "decades" | "from zero";
  /** Draws what linear growth from the first point of the first line would be. */
  hasGuide: boolean;
}

/** Lines over a logarithmic size, each point with the span of its rounds. */
export function panelSpec({ title, xTitle, lines, yScale, hasGuide }: Panel): PlotSpec {
  const values = lines.flatMap(({ label, points }) => points.map((point) => ({ ...point, label })));
  const sizes = [...new Set(values.map(({ size }) => size))].toSorted((a, b) => a - b);
  const y = yScale === "decades" ? decades(values) : fromZero(values);
  const guide = hasGuide ? guideOf(lines[0], sizes, y.scale.domain[1]) : [];
  const labels = [...lines.map(({ label }) => label), ...(guide.length > 0 ? [GUIDE] : [])];
  const ends: [number, number] = [sizes[0] ?? 1, sizes.at(-1) ?? 1];
  const x: Channels["x"] = {
    field: "size",
    type: "quantitative",
    title: xTitle,
    scale: { type: "log", domain: ends, nice: false },
    axis: { values: sizes, format: "~s", grid: false },
  };
  const color: Channels["color"] = {
    field: "label",
    type: "nominal",
    scale: { domain: labels, range: [...COLOURS.slice(0, lines.length), GUIDE_COLOUR] },
    legend: { title: null, orient: "bottom", direction: "vertical", symbolType: "stroke", symbolOpacity: 1 },
  };
  const middle: Channels["y"] = { field: "middle", type: "quantitative", title: null, ...y };
  return {
    title,
    width: WIDTH,
    height: HEIGHT,
    data: { values },
    encoding: { x, color },
    layer: [
      {
        data: { values: guide },
        mark: { type: "line", strokeDash: [3, 4], strokeWidth: 1, clip: true },
        encoding: { y: middle },
      },
      {
        mark: { type: "rule", opacity: 0.45, strokeWidth: 3 },
        encoding: { y: { ...middle, field: "least" }, y2: { field: "most" } },
      },
      { mark: { type: "line", strokeWidth: 2 }, encoding: { y: middle } },
      { mark: { type: "point", filled: true, size: 36, opacity: 1 }, encoding: { y: middle } },
    ],
  };
}

/** Whole decades, so that noise does not fill the plot. */
function decades(values: readonly LinePoint[]) {
  const low = Math.floor(Math.log10(Math.min(...values.map(({ least }) => least))));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values.map(({ most }) => most)))));
  const powers = Array.from({ length: high - low + 1 }, (_, at) => 10 ** (low + at));
  const ticks = high - low > 2 ? powers : powers.flatMap((power) => [power, 2 * power, 5 * power]);
  return {
    scale: { type: "log", domain: [10 ** low, 10 ** high] as [number, number] },
    axis: { values: ticks, format: ",.1~r" },
  } as const;
}

function fromZero(values: readonly LinePoint[]) {
  const high = Math.max(...values.map(({ most }) => most));
  return {
    scale: { type: "linear", domain: [0, high * 1.1] as [number, number], nice: 7 },
    axis: { tickCount: 7 },
  } as const;
}

function guideOf(line: Line | undefined, sizes: readonly number[], top: number) {
  const [first] = line?.points ?? [];
  const last = sizes.at(-1);
  if (!first || last === undefined || first.size === last) return [];
  const end = Math.min(last, (first.size * top) / first.middle);
  const at = (size: number) => ({ label: GUIDE, size, middle: (first.middle * size) / first.size });
  return [at(first.size), at(end)];
}
