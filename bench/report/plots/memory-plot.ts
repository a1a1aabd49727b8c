import type { TopLevelSpec } from "vega-lite";
import type { Row } from "../../measure/rows.ts";
import { median } from "../../measure/statistics.ts";
import { COLOURS } from "./render-svg.ts";

const MOMENTS = [
  { calls: 0, value: "freshMb" },
  { calls: 10_000, value: "after10000Mb" },
  { calls: 20_000, value: "after20000Mb" },
];

/** What a gateway holds after so many calls: every round, and their median. */
export function memoryPlot(rows: readonly Row[]): TopLevelSpec {
  const rounds = rows.filter(({ suite }) => suite === "memory");
  const held = (value: string) => rounds.map(({ values }) => values[value] ?? NaN);
  const each = rounds.flatMap(({ round, values }) =>
    MOMENTS.map(({ calls, value }) => ({ calls, round, megabytes: values[value] ?? NaN })),
  );
  const middle = MOMENTS.map(({ calls, value }) => ({ calls, megabytes: median(held(value)) }));
  const top = Math.max(...each.map(({ megabytes }) => megabytes)) * 1.15;
  return {
    width: 360,
    height: 220,
    encoding: {
      x: {
        field: "calls",
        type: "quantitative",
        title: "calls since the start",
        scale: { padding: 24, nice: false },
        axis: { values: MOMENTS.map(({ calls }) => calls), format: ",d", grid: false },
      },
      y: {
        field: "megabytes",
        type: "quantitative",
        title: "memory of the gateway (RSS), MB",
        scale: { domain: [0, top] },
        axis: { tickCount: 6 },
      },
    },
    layer: [
      {
        data: { values: each },
        mark: { type: "line", color: COLOURS[0], strokeWidth: 1, opacity: 0.35 },
        encoding: { detail: { field: "round", type: "nominal" } },
      },
      {
        data: { values: middle },
        mark: { type: "line", color: COLOURS[0], strokeWidth: 2.5, point: { color: COLOURS[0], size: 50 } },
      },
      {
        data: { values: middle },
        mark: { type: "text", dy: -12, fontSize: 12, color: "#1f2328" },
        encoding: { text: { field: "megabytes", type: "quantitative", format: ".0f" } },
      },
    ],
  };
}
