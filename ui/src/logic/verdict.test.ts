import { describe, expect, test } from "vitest";
import type { Notification, Rule } from "../api/types";
import { alertsView } from "./alerts";
import { madeAlert, madeNotification, madeRule, madeStatus, madeTarget, NOON } from "./made";
import { verdictOf, type Picture } from "./verdict";

const FIRING = madeRule({ name: "Slow", alerts: [madeAlert()] });
const PENDING = madeRule({ name: "Slow", alerts: [madeAlert({ state: "pending" })] });

/** A picture with these rules and notifications in which all else is well. */
function picture(rules: Rule[], notifications: Notification[] = [], change: Partial<Picture> = {}): Picture {
  return {
    alerts: alertsView({ groups: [{ name: "g", file: "", rules }] }, notifications),
    targets: [madeTarget("a"), madeTarget("b")],
    status: madeStatus(true),
    notifications,
    lostAt: null,
    blind: null,
    ...change,
  };
}

const DOWN = { targets: [madeTarget("a"), madeTarget("b", { health: "down" })] };
const NOTHING: Picture = { alerts: null, targets: null, status: null, notifications: null, lostAt: null, blind: null };

describe("the headline", () => {
  test.each<[string, Picture, string, string]>([
    ["before the first answer", NOTHING, "loading", "Listening…"],
    ["calm", picture([madeRule()]), "calm", "All calm"],
    ["pending", picture([PENDING]), "pending", "Slow is pending"],
    ["firing", picture([FIRING]), "firing", "Slow is firing"],
    ["firing twice", picture([madeRule({ alerts: [madeAlert(), madeAlert()] })]), "firing", "Slow is firing 2 times"],
    ["two alerts", picture([FIRING, madeRule({ name: "Down", alerts: [madeAlert()] })]), "firing", "2 alerts are firing"],
    ["firing beats a target that is down", picture([FIRING], [], DOWN), "firing", "Slow is firing"],
    ["a target that is down beats pending", picture([PENDING], [], DOWN), "trouble", "1 target is down"],
    ["a rule that cannot be evaluated", picture([madeRule({ health: "err" })]), "trouble", "1 rule cannot be evaluated"],
    ["a refused configuration", picture([madeRule()], [], { status: madeStatus(false) }), "trouble", "Calm, but the new configuration was refused"],
    ["no rules", picture([]), "idle", "No alert rules are loaded"],
    ["no targets", picture([madeRule()], [], { targets: [] }), "idle", "Nothing is scraped"],
    ["lost contact hides the fire, which may be out", picture([FIRING], [], { lostAt: NOON }), "unknown", "No contact with the server"],
    ["alerts that cannot be read are not calm", picture([madeRule()], [], { blind: "why" }), "unknown", "The alerts cannot be read"],
  ])("%s", (_, given, level, headline) => expect(verdictOf(given)).toMatchObject({ level, headline }));
});

describe("since when", () => {
  const resolved = madeNotification({ status: "resolved", at: NOON - 60_000 });
  test.each<[string, Picture, string, number | null]>([
    ["firing", picture([FIRING]), "Since", NOON],
    ["two, the older counts", picture([FIRING, madeRule({ name: "B", alerts: [madeAlert({ activeAt: NOON - 9 })] })]), "The first since", NOON - 9],
    ["pending does not hide how long another fires", picture([PENDING, madeRule({ name: "B", alerts: [madeAlert({ activeAt: NOON + 5 })] })]), "Since", NOON + 5],
    ["calm after an alert", picture([madeRule()], [resolved]), "No alert since", NOON - 60_000],
    ["calm from the start", picture([madeRule()]), "Watching since", NOON - 3_600_000],
    ["lost", picture([FIRING], [], { lostAt: NOON + 7 }), "Silent since", NOON + 7],
  ])("%s", (_, given, text, at) => expect(verdictOf(given).since).toMatchObject({ text, at }));
});

describe("was somebody told", () => {
  const failed = madeNotification({ outcome: "failed" });
  const other = madeRule({ name: "Down", alerts: [madeAlert({ labels: {} })] });
  test.each<[string, Picture, string, string]>([
    ["nothing to tell", picture([madeRule()]), "quiet", "Nobody had to be told"],
    ["told before", picture([madeRule()], [madeNotification({ status: "resolved" })]), "quiet", "Last notice to webhook: resolved"],
    ["calm, but the last notice was lost", picture([madeRule()], [failed]), "bad", "Last notice not delivered to webhook"],
    ["not yet", picture([FIRING]), "warn", "Nobody was told yet"],
    ["under way", picture([FIRING], [madeNotification({ outcome: "pending" })]), "warn", "Telling webhook"],
    ["told", picture([FIRING], [madeNotification()]), "good", "Delivered to webhook"],
    ["told of one of two", picture([FIRING, other], [madeNotification()]), "warn", "Told of 1 of 2 so far"],
    ["not delivered", picture([FIRING], [failed]), "bad", "Not delivered to webhook"],
    ["the server does not say", picture([FIRING], [], { notifications: null }), "quiet", "Unknown who was told"],
    ["lost: said as the past", picture([FIRING], [madeNotification()], { lostAt: NOON }), "quiet", "Before: delivered to webhook"],
  ])("%s", (_, given, mood, text) => expect(verdictOf(given).told).toMatchObject({ mood, text }));
});

describe("are all targets up", () => {
  test.each<[string, Picture["targets"], string, string]>([
    ["unknown", null, "quiet", "Targets unknown"],
    ["none", [], "warn", "No targets are configured"],
    ["all", [madeTarget("a"), madeTarget("b")], "good", "All 2 targets up"],
    ["the only one", [madeTarget("a")], "good", "The target is up"],
    ["not scraped yet", [madeTarget("a", { health: "unknown" })], "quiet", "1 target not scraped yet"],
    ["one down", DOWN.targets, "bad", "1 of 2 targets down: b"],
    ["many down", ["a", "b", "c", "d"].map((job) => madeTarget(job, { health: "down" })), "bad", "4 of 4 targets down: a, b, c and others"],
  ])("%s", (_, targets, mood, text) => {
    expect(verdictOf(picture([madeRule()], [], { targets })).targets).toMatchObject({ mood, text });
  });
});
