import type { Labels, Matrix } from "../api/types";
import type { Range } from "../api/client";

/** A range query's answer on one grid of times, as a chart wants it. */
export interface Frame {
  /** Seconds since 1970, one per step. */
  times: number[];
  series: Series[];
  /** Series that were left out because a chart of so many lines says nothing. */
  leftOut: number;
}

export interface Series {
  /** What tells this series from the others. */
  name: string;
  labels: Labels;
  /** Null where there is no sample: a gap, never a bridge. */
  values: (number | null)[];
}

/** More lines than this cannot be told apart. */
export const SERIES_LIMIT = 20;

/** Puts the samples on the grid; NaN and infinities cannot be drawn and become gaps. */
export function frameOf(matrix: Matrix, { start, end, step }: Range): Frame {
  const length = Math.round((end - start) / step) + 1;
  const times = Array.from({ length }, (_, index) => start + index * step);
  const shown = matrix.result.slice(0, SERIES_LIMIT);
  const names = seriesNames(shown.map(({ metric }) => metric));
  const series = shown.map(({ metric, values }, which) => {
    const row = new Array<number | null>(length).fill(null);
    for (const [seconds, value] of values) {
      const index = Math.round((seconds - start) / step);
      if (index >= 0 && index < length && Number.isFinite(value)) row[index] = value;
    }
    return { name: names[which] ?? "", labels: metric, values: row };
  });
  return { times, series, leftOut: matrix.result.length - shown.length };
}

/** Names as short as the differences allow: only the labels whose values differ. */
export function seriesNames(metrics: Labels[]): string[] {
  const keys = [...new Set(metrics.flatMap((metric) => Object.keys(metric)))].sort();
  const telling = keys.filter((key) => new Set(metrics.map((metric) => metric[key] ?? "")).size > 1);
  // One label may do for all of them: the job says more than job and instance together.
  const values = (key: string) => new Set(metrics.map((metric) => metric[key])).size;
  const sufficient = telling.filter((key) => values(key) === metrics.length).sort(byMeaning)[0];
  return metrics.map((metric) => {
    const only = sufficient === undefined ? undefined : metric[sufficient];
    if (only) return only;
    return selector(metric, telling.length > 0 ? telling : keys) || "value";
  });
}

/** An instance is an address: the last thing that a person wants to read. */
function byMeaning(a: string, b: string): number {
  return Number(a === "instance") - Number(b === "instance") || a.localeCompare(b);
}

function selector(metric: Labels, keys: string[]): string {
  const pairs = keys.filter((key) => key !== "__name__" && metric[key]).map((key) => `${key}="${metric[key]}"`);
  const name = keys.includes("__name__") ? (metric["__name__"] ?? "") : "";
  return pairs.length === 0 ? name : `${name}{${pairs.join(", ")}}`;
}

/** The series with every label, as it would be written in an expression. */
export function fullName(labels: Labels): string {
  return selector(labels, Object.keys(labels).sort()) || "no labels";
}

/** The newest value, the smallest and the largest; null where nothing was measured. */
export function summary({ values }: Series): { last: number | null; least: number | null; most: number | null } {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return { last: null, least: null, most: null };
  return { last: values.at(-1) ?? values.at(-2) ?? null, least: Math.min(...known), most: Math.max(...known) };
}
