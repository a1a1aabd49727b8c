import type { TopLevelSpec } from "vega-lite";
import { medianRatio, type Row } from "../../measure/rows.ts";
import { COLOURS, GUIDE_COLOUR } from "./render-svg.ts";

const PEERS = ["direct", "undici", "nginx"];
const ERAS = { modern: "revision 2026-07-28", legacy: "earlier revisions, with sessions" };
const KINDS = [
  { key: "call", label: "call" },
  { key: "list", label: "list" },
  { key: "100 KB", label: "100 KB" },
];

const TICKS = [0.1, 0.25, 0.5, 1, 2, 4, 8];

/** Throughput of the gateway as a share of each peer's, for every case of the hot path. */
export function overviewPlot(rows: readonly Row[]): TopLevelSpec {
  const values = ratiosOf(rows);
  const shares = values.map(({ ratio }) => ratio);
  const [least, most] = [Math.min(0.25, ...shares) * 0.9, Math.max(2, ...shares) * 1.1];
  const y = {
    field: "name",
    type: "nominal",
    sort: null,
    title: null,
    axis: { grid: true, ticks: false, domain: false },
  } as const;
  return {
    data: { values },
    facet: { column: { field: "era", type: "nominal", title: null, sort: Object.values(ERAS) } },
    spec: {
      width: 290,
      height: 240,
      layer: [
        { mark: { type: "rule", color: GUIDE_COLOUR, strokeWidth: 1.5 }, encoding: { x: { datum: 1 } } },
        {
          mark: { type: "point", filled: true, size: 90, opacity: 1 },
          encoding: {
            x: {
              field: "ratio",
              type: "quantitative",
              title: "throughput, gateway / peer",
              scale: { type: "log", domain: [least, most] },
              axis: { values: TICKS.filter((tick) => tick >= least && tick <= most), format: "~r" },
            },
            y,
            color: {
              field: "peer",
              type: "nominal",
              scale: { domain: PEERS, range: COLOURS.slice(0, PEERS.length) },
              legend: { title: null, orient: "top" },
            },
            shape: { field: "peer", type: "nominal", scale: { domain: PEERS }, legend: { title: null, orient: "top" } },
          },
        },
      ],
    },
  };
}

function ratiosOf(rows: readonly Row[]) {
  const cases = [...new Set(rows.filter(({ suite }) => suite === "hot-path").map((row) => row.case))];
  return cases
    .flatMap((name) =>
      PEERS.map((peer) => {
        const selection = { suite: "hot-path", case: name, target: "gateway", value: "callsPerSecond" };
        return { ...describe(name), peer, ratio: medianRatio(rows, selection, peer) };
      }),
    )
    .filter(({ ratio }) => ratio > 0);
}

/** `modern call x16` in words. */
function describe(name: string): { era: string; name: string } {
  const era = name.startsWith("legacy ") ? ERAS.legacy : ERAS.modern;
  const [, kind = "", inFlight = ""] = /^\w+ (.*) x(\d+)$/.exec(name) ?? [];
  const label = KINDS.find(({ key }) => key === kind)?.label ?? kind;
  return { era, name: `${label}, ${inFlight} in flight` };
}
