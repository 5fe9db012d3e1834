import type { Alert, Labels, Notification } from "../api/types";

/** What is known about telling people of one alert. */
export type DeliveryState =
  /** The server does not say. */
  | "unknown"
  /** No attempt yet: the alert is pending, or its group still waits. */
  | "waiting"
  | "sending"
  | "delivered"
  | "failed";

export interface Delivery {
  state: DeliveryState;
  /** The latest attempt for each receiver, newest first. */
  attempts: Notification[];
}

/** Who was told of this alert since it became active. The list is newest first. */
export function deliveryOf(alert: Alert, name: string, notifications: Notification[] | null): Delivery {
  if (notifications === null) return { state: "unknown", attempts: [] };
  const told = notifications.filter((each) => isAbout(each, alert, name));
  const attempts = told.filter((each, index) => told.findIndex((other) => other.receiver === each.receiver) === index);
  return { state: stateOf(attempts), attempts };
}

/** The worst news first: one receiver that was not reached matters more than three that were. */
function stateOf(attempts: Notification[]): DeliveryState {
  if (attempts.length === 0) return "waiting";
  if (attempts.some(({ outcome }) => outcome === "failed")) return "failed";
  return attempts.some(({ outcome }) => outcome === "pending") ? "sending" : "delivered";
}

function isAbout(notification: Notification, alert: Alert, name: string): boolean {
  // An older notification belongs to an earlier time that the same alert was active.
  if ((notification.at ?? 0) < (alert.activeAt ?? 0)) return false;
  return notification.alerts.some(
    (each) => each.status === "firing" && each.name === name && includes(each.labels, alert.labels),
  );
}

/** External labels are added on the way out, so the notification may carry more than the alert. */
function includes(whole: Labels, part: Labels): boolean {
  return Object.entries(part).every(([key, value]) => key === "alertname" || whole[key] === value);
}
