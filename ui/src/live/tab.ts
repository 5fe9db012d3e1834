import calm from "../favicon/calm.svg";
import firing from "../favicon/firing.svg";
import pending from "../favicon/pending.svg";
import unknown from "../favicon/unknown.svg";
import type { Level } from "../logic/verdict";

const ICONS: Record<Level, string> = { loading: calm, idle: calm, calm, unknown, pending, trouble: pending, firing };

/** Shows in the browser's tab what the page would say if it were looked at. */
export function showInTab(level: Level, firingAlerts: number): void {
  document.title = level === "unknown" ? "(?) Stonechat" : firingAlerts > 0 ? `(${firingAlerts}) Stonechat` : "Stonechat";
  const icon = document.getElementById("favicon");
  if (icon instanceof HTMLLinkElement && icon.getAttribute("href") !== ICONS[level]) icon.href = ICONS[level];
}
