// Numbers with their unit, three significant digits: what a person can take in at a glance.

/** What a number counts. */
export type Unit = "plain" | "per second" | "seconds" | "bytes" | "bytes per second";

const THOUSANDS: Scale = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""]];
const BYTES: Scale = [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"], [1, "B"]];
const SECONDS: Scale = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"], [1e-3, "ms"], [1e-6, "µs"]];

/** Factors from large to small, each with its name. */
type Scale = readonly (readonly [factor: number, name: string])[];

/** The number with its unit: "1.23 k/s", "4.2 ms", "96 MiB". Null is a dash: nothing was measured. */
export function formatValue(value: number | null, unit: Unit): string {
  if (value === null) return "–";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  if (unit === "seconds") return scaled(value, SECONDS);
  if (unit === "bytes") return scaled(value, BYTES);
  if (unit === "bytes per second") return `${scaled(value, BYTES)}/s`;
  return `${scaled(value, THOUSANDS)}${unit === "per second" ? "/s" : ""}`;
}

function scaled(value: number, scale: Scale): string {
  const size = Math.abs(value);
  const fitting = scale.find(([factor]) => size >= factor * 0.9995);
  const [factor, name] = fitting ?? scale.at(-1) ?? [1, ""];
  const digits = value === 0 ? "0" : trimmed(value / factor);
  const zeroUnit = value === 0 ? scale.find(([each]) => each === 1)?.[1] : name;
  return zeroUnit ? `${digits} ${zeroUnit}` : digits;
}

function trimmed(value: number): string {
  const written = Math.abs(value) < 1e-3 ? value.toExponential(1) : value.toPrecision(3);
  return written.includes(".") && !written.includes("e") ? written.replace(/\.?0+$/, "") : written;
}

/** A whole number with thin groups of thousands: "12 345". */
export function formatCount(value: number): string {
  return Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/**
 * The unit an expression most likely has, read from metric naming conventions.
 * A ratio of two things has none, whatever the things are.
 */
export function unitOf(expression: string): Unit {
  const ratio = /[)\]}\w]\s*\/\s*[\w(]/.test(expression.replace(/"[^"]*"/g, '""'));
  if (ratio) return "plain";
  if (/histogram_(quantile|avg)\s*\(/.test(expression)) return /_seconds/.test(expression) ? "seconds" : "plain";
  const rate = /\b(rate|irate)\s*\(/.test(expression);
  if (/_bytes(_total)?\b/.test(expression)) return rate ? "bytes per second" : "bytes";
  if (/_seconds(_total|_sum)?\b/.test(expression)) return rate ? "plain" : "seconds";
  return rate ? "per second" : "plain";
}
