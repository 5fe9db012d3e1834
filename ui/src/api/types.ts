// What the server answers: Prometheus' API v1, and two endpoints of our own.
import * as shape from "./shapes";

/** Label names and values of a series, a target or an alert. */
export type Labels = Record<string, string>;

const labels = shape.or(shape.map(shape.text), {} as Labels);

/** An alert that is pending or firing, as its rule reports it. */
export const alert = shape.object({
  state: shape.word("pending", "firing"),
  activeAt: shape.or(shape.instant, null),
  value: shape.or(shape.sampleValue, NaN),
  labels,
  annotations: labels,
});
export type Alert = shape.Of<typeof alert>;

/** An alerting or recording rule; a recording rule has neither state nor alerts. */
export const rule = shape.object({
  type: shape.word("alerting", "recording"),
  name: shape.text,
  query: shape.text,
  state: shape.or(shape.word("inactive", "pending", "firing", "unknown"), "unknown"),
  /** The rule's `for`, in seconds. */
  duration: shape.or(shape.number, 0),
  labels,
  annotations: labels,
  alerts: shape.or(shape.list(alert), []),
  health: shape.or(shape.text, "unknown"),
  lastError: shape.or(shape.text, ""),
  lastEvaluation: shape.or(shape.instant, null),
});
export type Rule = shape.Of<typeof rule>;

export const ruleGroups = shape.object({
  groups: shape.list(
    shape.object({ name: shape.text, file: shape.or(shape.text, ""), rules: shape.list(rule) }),
  ),
});
export type RuleGroups = shape.Of<typeof ruleGroups>;

export const target = shape.object({
  labels,
  scrapePool: shape.or(shape.text, ""),
  scrapeUrl: shape.or(shape.text, ""),
  health: shape.word("up", "down", "unknown"),
  lastError: shape.or(shape.text, ""),
  lastScrape: shape.or(shape.instant, null),
  /** Seconds. */
  lastScrapeDuration: shape.or(shape.number, 0),
  scrapeInterval: shape.or(shape.text, ""),
});
export type Target = shape.Of<typeof target>;

export const targets = shape.object({ activeTargets: shape.or(shape.list(target), []) });

const sample: shape.Shape<[seconds: number, value: number]> = (value, path = "") => {
  if (!Array.isArray(value)) throw new shape.ShapeError(path, "a pair of time and value", value);
  return [shape.number(value[0], `${path}[0]`), shape.sampleValue(value[1], `${path}[1]`)];
};

export const matrix = shape.object({
  resultType: shape.word("matrix"),
  result: shape.list(
    shape.object({ metric: labels, values: shape.or(shape.list(sample), []) }),
  ),
});
export type Matrix = shape.Of<typeof matrix>;

export const status = shape.object({
  version: shape.text,
  started_at: shape.instant,
  config: shape.object({
    source: shape.text,
    last_reload_successful: shape.flag,
    last_reload_at: shape.or(shape.instant, null),
    error: shape.or(shape.text, null),
  }),
  storage: shape.object({
    series: shape.number,
    samples_total: shape.number,
    /** Why samples cannot be written, while that is so. */
    write_failure: shape.or(shape.text, null),
    /** How much of the log is read back, from 0 to 1. */
    history: shape.or(shape.number, 1),
  }),
});
export type Status = shape.Of<typeof status>;

/** One attempt to tell somebody, newest first in the server's list. */
export const notification = shape.object({
  at: shape.instant,
  receiver: shape.text,
  group: shape.or(shape.text, ""),
  status: shape.word("firing", "resolved"),
  alerts: shape.list(
    shape.object({ name: shape.text, labels, status: shape.or(shape.word("firing", "resolved"), "firing") }),
  ),
  outcome: shape.word("delivered", "failed", "pending"),
  attempts: shape.or(shape.number, 0),
  /** The receiver's answer, or why there was none. */
  answer: shape.or(shape.text, ""),
  duration_seconds: shape.or(shape.number, 0),
});
export type Notification = shape.Of<typeof notification>;

export const notifications = shape.list(notification);
