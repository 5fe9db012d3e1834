import type { Matrix } from "../api/types";

/** A time during which an alert was pending or firing. Seconds since 1970. */
export interface Band {
  alert: string;
  state: "pending" | "firing";
  from: number;
  to: number;
}

/** A chart under more bands than this would be one band. */
const BAND_LIMIT = 200;

/** Spans of the `ALERTS` series; instances of one alert that overlap become one span. */
export function bandsOf(alerts: Matrix, step: number): Band[] {
  const times = new Map<string, Set<number>>();
  for (const { metric, values } of alerts.result) {
    const key = `${metric["alertstate"]}\u0000${metric["alertname"]}`;
    const seen = times.get(key) ?? new Set<number>();
    for (const [seconds, value] of values) if (value === 1) seen.add(seconds);
    times.set(key, seen);
  }
  return [...times].flatMap(([key, seen]) => spans(key, [...seen].sort((a, b) => a - b), step)).slice(0, BAND_LIMIT);
}

/** The times at which any alert was in this state, as spans that do not overlap. */
export function covered(bands: Band[], state: Band["state"]): { from: number; to: number }[] {
  const merged: { from: number; to: number }[] = [];
  for (const { from, to } of bands.filter((band) => band.state === state).sort((a, b) => a.from - b.from)) {
    const open = merged.at(-1);
    if (open && from <= open.to) open.to = Math.max(open.to, to);
    else merged.push({ from, to });
  }
  return merged;
}

function spans(key: string, times: number[], step: number): Band[] {
  const [state, alert = ""] = key.split("\u0000");
  if (state !== "pending" && state !== "firing") return [];
  const bands: Band[] = [];
  for (const time of times) {
    const open = bands.at(-1);
    // Half a step of slack: times on the grid may have been rounded to milliseconds.
    if (open && time - open.to <= step * 0.5) open.to = time + step;
    else bands.push({ alert, state, from: time, to: time + step });
  }
  return bands;
}
