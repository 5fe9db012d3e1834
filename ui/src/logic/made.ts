// Values for tests: complete and dull, so that a test shows only what matters to it.
import type { Alert, Notification, Rule, Status, Target } from "../api/types";

/** Noon of a day on which nothing else happens. Milliseconds since 1970. */
export const NOON = Date.UTC(2026, 10, 22, 12);

export function madeAlert(change: Partial<Alert> = {}): Alert {
  return { state: "firing", activeAt: NOON, value: 1, labels: { alertname: "Slow" }, annotations: {}, ...change };
}

export function madeRule(change: Partial<Rule> = {}): Rule {
  return {
    type: "alerting",
    name: "Slow",
    query: "latency > 1",
    state: "inactive",
    duration: 15,
    labels: {},
    annotations: {},
    alerts: [],
    health: "ok",
    lastError: "",
    lastEvaluation: NOON,
    ...change,
  };
}

export function madeTarget(job: string, change: Partial<Target> = {}): Target {
  return {
    labels: { job, instance: `${job}:1` },
    scrapePool: job,
    scrapeUrl: `http://${job}:1/metrics`,
    health: "up",
    lastError: "",
    lastScrape: NOON,
    lastScrapeDuration: 0.002,
    scrapeInterval: "2s",
    ...change,
  };
}

export function madeNotification(change: Partial<Notification> = {}): Notification {
  return {
    at: NOON + 20_000,
    receiver: "webhook",
    group: '{alertname="Slow"}',
    status: "firing",
    alerts: [{ name: "Slow", labels: { alertname: "Slow" }, status: "firing" }],
    outcome: "delivered",
    attempts: 1,
    answer: "200 OK",
    duration_seconds: 0.004,
    ...change,
  };
}

export function madeStatus(reloaded: boolean): Status {
  return {
    version: "0.1.0",
    started_at: NOON - 3_600_000,
    config: { source: "monitoring", last_reload_successful: reloaded, last_reload_at: NOON, error: reloaded ? null : "unknown key" },
    storage: { series: 1, samples_total: 2, write_failure: null, history: 1 },
  };
}
