const UNITS = [
  { suffix: "d", seconds: 86_400, until: Number.POSITIVE_INFINITY },
  { suffix: "h", seconds: 3_600, until: 2 * 86_400 },
  { suffix: "m", seconds: 60, until: 2 * 3_600 },
  { suffix: "s", seconds: 1, until: 2 * 60 },
] as const;
const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/;

/** @returns `5m` for the past, `in 29d` for the future, and text that is no time unchanged. */
export function toAge(text: string, now: Date): string {
  if (!MOMENT.test(text)) return text;
  const seconds = Math.round((now.getTime() - Date.parse(text)) / 1_000);
  return seconds < 0 ? `in ${duration(-seconds)}` : duration(seconds);
}

/** The largest unit of which there are at least two; below two minutes that is seconds. */
function duration(seconds: number): string {
  const unit = UNITS.findLast(({ until }) => seconds < until) ?? UNITS[0];
  return `${Math.floor(seconds / unit.seconds)}${unit.suffix}`;
}
