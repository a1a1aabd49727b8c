import type { TopLevelSpec } from "vega-lite";
import type { Row } from "../../measure/rows.ts";
import { type Curve, listCurves } from "../growth.ts";
import { type Line, type Panel, panelSpec } from "./panel.ts";

interface Series {
  label: string;
  value: string;
  target?: string;
}

interface Plot {
  suite: string;
  xTitle: string;
  panels: readonly { title: string; yScale?: Panel["yScale"]; series: readonly Series[] }[];
}

const TIME = "Time of a request, median, ms";
const CPU = "Processor time for 1,000 calls, s";
const MEMORY = "Memory of the gateway, MB";
const CALL = { label: "tools/call", value: "callP50Ms" };
const LIST = { label: "tools/list", value: "listP50Ms" };
const GATEWAY_CPU = { label: "gateway", value: "gatewayCpuPer1000" };
const memory = { title: MEMORY, yScale: "from zero", series: [{ label: "gateway", value: "rssMb" }] } as const;

const BOTH_TRANSPORTS = [
  { target: "gateway", suffix: ", HTTP servers" },
  { target: "gateway-stdio", suffix: ", stdio servers" },
] as const;

const ofBoth = ({ label, value }: Series): Series[] =>
  BOTH_TRANSPORTS.map(({ target, suffix }) => ({ label: `${label}${suffix}`, value, target }));

const THROUGH = ["gateway", "undici", "nginx", "direct"].map((target) => ({ label: target, target }));

const PLOTS: readonly Plot[] = [
  {
    suite: "growth-servers",
    xTitle: "servers of the project",
    panels: [
      { title: TIME, series: [...ofBoth({ label: "first list", value: "firstListMs" }), ...ofBoth(CALL)] },
      {
        title: CPU,
        series: [
          ...ofBoth(GATEWAY_CPU),
          { label: "mcpd, stdio servers", value: "mcpdCpuPer1000", target: "gateway-stdio" },
        ],
      },
      { ...memory, series: ofBoth({ label: "gateway", value: "rssMb" }) },
    ],
  },
  {
    suite: "growth-tools",
    xTitle: "tools of the project",
    panels: [
      {
        title: TIME,
        series: [
          LIST,
          { label: "tools/list of the server", value: "listP50Ms", target: "direct" },
          CALL,
          { label: "first list", value: "firstListMs" },
        ],
      },
      { title: CPU, series: [GATEWAY_CPU] },
      memory,
    ],
  },
  {
    suite: "growth-tokens",
    xTitle: "tokens",
    panels: [
      {
        title: TIME,
        series: [
          { label: "first request of a token", value: "firstRequestMs" },
          { label: "introspection at mcpd", value: "introspectMs" },
          LIST,
          CALL,
        ],
      },
      {
        title: "Calls a second, 16 in flight",
        series: [
          { label: "one token calls", value: "callsPerSecond" },
          { label: "all tokens call in turn", value: "allInTurnPerSecond" },
        ],
      },
      memory,
    ],
  },
  {
    suite: "growth-sessions",
    xTitle: "sessions of one token",
    panels: [
      { title: TIME, series: [CALL, LIST, { label: "open a session", value: "openMs" }] },
      { title: CPU, series: [GATEWAY_CPU] },
      memory,
    ],
  },
  {
    suite: "growth-result-size",
    xTitle: "bytes of the result",
    panels: [
      { title: TIME, series: THROUGH.map((through) => ({ ...through, value: "callP50Ms" })) },
      { title: CPU, series: THROUGH.slice(0, 3).map((through) => ({ ...through, value: "cpuPer1000" })) },
      {
        title: "Memory, MB",
        yScale: "from zero",
        series: [
          { label: "gateway", value: "rssMb" },
          { label: "undici", value: "rssMb", target: "undici" },
        ],
      },
    ],
  },
];

/** A picture for each dimension that was measured, by its file name. */
export function growthPlots(rows: readonly Row[]): Map<string, TopLevelSpec> {
  const curves = listCurves(rows);
  const measured = PLOTS.filter(({ suite }) => curves.some((curve) => curve.suite === suite));
  return new Map(measured.map((plot) => [`${plot.suite}.svg`, toSpec(plot, curves)]));
}

function toSpec({ suite, xTitle, panels }: Plot, curves: readonly Curve[]): TopLevelSpec {
  const hconcat = panels.map(({ title, yScale = "decades", series }) =>
    panelSpec({
      title,
      xTitle,
      yScale,
      hasGuide: yScale === "decades" && !series.some(({ value }) => value.endsWith("PerSecond")),
      lines: series.map((one) => lineOf(one, suite, curves)),
    }),
  );
  return { hconcat, bounds: "flush", resolve: { scale: { color: "independent" } } };
}

function lineOf({ label, value, target = "gateway" }: Series, suite: string, curves: readonly Curve[]): Line {
  const curve = curves.find((one) => one.suite === suite && one.target === target && one.value === value);
  const points = (curve?.points ?? []).map(({ size, median, rounds }) => ({
    size,
    middle: median,
    least: Math.min(...rounds.filter((round) => round > 0)),
    most: Math.max(...rounds),
  }));
  return { label, points: points.filter(({ middle }) => middle > 0) };
}
