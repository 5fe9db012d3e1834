import type { Alert, Labels, Notification, Rule, RuleGroups } from "../api/types";
import { deliveryOf, type Delivery } from "./delivery";

/** A rule and the place where it stands, because two files may hold the same rule. */
export interface PlacedRule {
  place: string;
  rule: Rule;
}

/** An alert that is pending or firing, with its rule and who was told. */
export interface ActiveAlert {
  /** The same for the same alert in every answer. */
  key: string;
  rule: Rule;
  alert: Alert;
  delivery: Delivery;
}

/** The alerting rules, taken apart for the page. */
export interface AlertsView {
  /** Firing before pending, the oldest first. */
  active: ActiveAlert[];
  firing: number;
  pending: number;
  /** Alerting rules without an active alert: those that cannot be evaluated, then in the order of the files. */
  inactive: PlacedRule[];
  /** Rules of either type whose last evaluation failed. */
  broken: Rule[];
  alertingRules: number;
}

/** Sorts what the rules report. `notifications` is null while it is not known who was told. */
export function alertsView(answer: RuleGroups, notifications: Notification[] | null): AlertsView {
  const placed = answer.groups.flatMap(({ file, name, rules }) =>
    rules.map((rule, index) => ({ place: `${file} ${name} ${index}`, rule })),
  );
  const alerting = placed.filter(({ rule }) => rule.type === "alerting");
  const active = alerting.flatMap((each) => activeAlerts(each, notifications)).sort(byUrgency);
  const firing = active.filter(({ alert }) => alert.state === "firing").length;
  return {
    active,
    firing,
    pending: active.length - firing,
    inactive: alerting.filter(({ rule }) => rule.alerts.length === 0).sort((a, b) => healthRank(a) - healthRank(b)),
    broken: placed.filter(({ rule }) => rule.health === "err").map(({ rule }) => rule),
    alertingRules: alerting.length,
  };
}

function activeAlerts({ place, rule }: PlacedRule, notifications: Notification[] | null): ActiveAlert[] {
  return rule.alerts.map((alert) => ({
    key: `${place} ${JSON.stringify(Object.entries(alert.labels).sort())}`,
    rule,
    alert,
    delivery: deliveryOf(alert, rule.name, notifications),
  }));
}

function healthRank({ rule }: PlacedRule): number {
  return rule.health === "err" ? 0 : 1;
}

function byUrgency(a: ActiveAlert, b: ActiveAlert): number {
  if (a.alert.state !== b.alert.state) return a.alert.state === "firing" ? -1 : 1;
  return (a.alert.activeAt ?? 0) - (b.alert.activeAt ?? 0) || a.key.localeCompare(b.key);
}

/** When a pending alert begins to fire unless it ends before; milliseconds since 1970. */
export function firesAt({ rule, alert }: ActiveAlert): number | null {
  if (alert.state !== "pending" || alert.activeAt === null) return null;
  return alert.activeAt + rule.duration * 1000;
}

/** The labels that tell one alert of a rule from another: not its name, not its severity. */
export function tellingLabels(labels: Labels): [string, string][] {
  return Object.entries(labels).filter(([name]) => name !== "alertname" && name !== "severity");
}
