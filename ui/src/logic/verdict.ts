// The answers to the four questions of somebody who was woken: is something wrong, since when,
// was somebody told, are all targets up.
import type { Notification, Status, Target } from "../api/types";
import type { ActiveAlert, AlertsView } from "./alerts";

/** How bad it is, from nothing known, over nothing watched, to a fire. */
export type Level = "loading" | "unknown" | "idle" | "calm" | "pending" | "trouble" | "firing";

/** How one answer is coloured; the words say the same. */
export type Mood = "quiet" | "good" | "warn" | "bad";

export interface Answer {
  mood: Mood;
  text: string;
  /** A time that belongs to the text, in milliseconds since 1970. */
  at: number | null;
}

export interface Verdict {
  level: Level;
  headline: string;
  since: Answer;
  told: Answer;
  targets: Answer;
}

/** What is known; null for what no answer has told yet. */
export interface Picture {
  alerts: AlertsView | null;
  targets: Target[] | null;
  status: Status | null;
  notifications: Notification[] | null;
  /** Since when the server does not answer; null while it does. Milliseconds since 1970. */
  lostAt: number | null;
  /** Why the alerts cannot be read although the server answers; null while they can. */
  blind: string | null;
}

/** Judges the picture as a whole. */
export function verdictOf(picture: Picture): Verdict {
  const { level, headline } = judge(picture);
  const answers = { since: since(picture, level), told: told(picture), targets: targetsAnswer(picture.targets) };
  if (level === "unknown") {
    answers.told = past(answers.told);
    answers.targets = past(answers.targets);
  }
  return { level, headline, ...answers };
}

/** What was true when the server last spoke, said so that nobody takes it for the present. */
function past({ text, at }: Answer): Answer {
  if (/unknown/i.test(text)) return { mood: "quiet", text, at };
  return { mood: "quiet", text: `Before: ${text.charAt(0).toLowerCase()}${text.slice(1)}`, at };
}

function judge({ alerts, targets, status, lostAt, blind }: Picture): { level: Level; headline: string } {
  if (lostAt !== null) return { level: "unknown", headline: "No contact with the server" };
  if (blind !== null) return { level: "unknown", headline: "The alerts cannot be read" };
  if (alerts === null) return { level: "loading", headline: "Listening…" };
  const firing = alerts.active.filter(({ alert }) => alert.state === "firing");
  if (firing.length > 0) return { level: "firing", headline: named(firing, "firing") };
  const down = (targets ?? []).filter(({ health }) => health === "down").length;
  if (down > 0) return { level: "trouble", headline: `${count(down, "target")} ${down === 1 ? "is" : "are"} down` };
  if (alerts.pending > 0) return { level: "pending", headline: named(alerts.active, "pending") };
  const broken = alerts.broken.length;
  if (broken > 0) return { level: "trouble", headline: `${count(broken, "rule")} cannot be evaluated` };
  if (status && status.storage.write_failure !== null) {
    return { level: "trouble", headline: "Calm, but samples cannot be written" };
  }
  if (status && !status.config.last_reload_successful) {
    return { level: "trouble", headline: "Calm, but the new configuration was refused" };
  }
  if (alerts.alertingRules === 0) return { level: "idle", headline: "No alert rules are loaded" };
  if (targets?.length === 0) return { level: "idle", headline: "Nothing is scraped" };
  return { level: "calm", headline: "All calm" };
}

function named(active: ActiveAlert[], state: string): string {
  const [first] = active;
  const names = new Set(active.map(({ rule }) => rule.name));
  if (first && active.length === 1) return `${first.rule.name} is ${state}`;
  if (first && names.size === 1) return `${first.rule.name} is ${state} ${active.length} times`;
  return `${active.length} alerts are ${state}`;
}

/** "1 target", "3 targets". */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function since({ alerts, notifications, status, lostAt }: Picture, level: Level): Answer {
  if (lostAt !== null) return { mood: "bad", text: "Silent since", at: lostAt };
  const wanted = level === "firing" ? "firing" : "pending";
  const starts = (alerts?.active ?? [])
    .filter(({ alert }) => alert.state === wanted)
    .map(({ alert }) => alert.activeAt)
    .filter((at) => at !== null);
  if (starts.length > 0) {
    const text = starts.length > 1 ? "The first since" : "Since";
    return { mood: level === "firing" ? "bad" : "warn", text, at: Math.min(...starts) };
  }
  if (alerts === null) return { mood: "quiet", text: "Alerts unknown", at: null };
  const resolved = notifications?.find((each) => each.status === "resolved");
  if (resolved) return { mood: "quiet", text: "No alert since", at: resolved.at };
  if (status) return { mood: "quiet", text: "Watching since", at: status.started_at };
  return { mood: "quiet", text: "No alert is active", at: null };
}

function told({ alerts, notifications }: Picture): Answer {
  if (notifications === null) return { mood: "quiet", text: "Unknown who was told", at: null };
  const firing = (alerts?.active ?? []).filter(({ alert }) => alert.state === "firing");
  if (firing.length === 0) return lastTold(notifications);
  const attempts = firing.flatMap(({ delivery }) => delivery.attempts);
  const failed = attempts.filter(({ outcome }) => outcome === "failed");
  if (failed.length > 0) return { mood: "bad", text: `Not delivered to ${receivers(failed)}`, at: newest(failed) };
  const reached = firing.filter(({ delivery }) => delivery.state === "delivered");
  if (reached.length === firing.length) return { mood: "good", text: `Delivered to ${receivers(attempts)}`, at: newest(attempts) };
  if (reached.length > 0) return { mood: "warn", text: `Told of ${reached.length} of ${firing.length} so far`, at: newest(attempts) };
  if (attempts.length > 0) return { mood: "warn", text: `Telling ${receivers(attempts)}`, at: newest(attempts) };
  return { mood: "warn", text: "Nobody was told yet", at: null };
}

function lastTold([last]: Notification[]): Answer {
  if (last === undefined) return { mood: "quiet", text: "Nobody had to be told", at: null };
  if (last.outcome === "failed") return { mood: "bad", text: `Last notice not delivered to ${last.receiver}`, at: last.at };
  return { mood: "quiet", text: `Last notice to ${last.receiver}: ${last.status}`, at: last.at };
}

function receivers(attempts: Notification[]): string {
  return [...new Set(attempts.map(({ receiver }) => receiver))].sort().join(", ");
}

function newest(attempts: Notification[]): number | null {
  return attempts.length === 0 ? null : Math.max(...attempts.map(({ at }) => at ?? 0));
}

function targetsAnswer(targets: Target[] | null): Answer {
  if (targets === null) return { mood: "quiet", text: "Targets unknown", at: null };
  if (targets.length === 0) return { mood: "warn", text: "No targets are configured", at: null };
  const down = targets.filter(({ health }) => health === "down");
  if (down.length > 0) {
    const jobs = [...new Set(down.map((target) => target.labels["job"] ?? target.scrapePool))];
    const names = jobs.length <= 3 ? jobs.join(", ") : `${jobs.slice(0, 3).join(", ")} and others`;
    return { mood: "bad", text: `${down.length} of ${count(targets.length, "target")} down: ${names}`, at: null };
  }
  const waiting = targets.filter(({ health }) => health === "unknown").length;
  if (waiting > 0) return { mood: "quiet", text: `${count(waiting, "target")} not scraped yet`, at: null };
  return { mood: "good", text: targets.length === 1 ? "The target is up" : `All ${targets.length} targets up`, at: null };
}
