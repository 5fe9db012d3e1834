import { describe, expect, test } from "vitest";
import type { Rule } from "../api/types";
import { alertsView, firesAt, tellingLabels } from "./alerts";
import { deliveryOf } from "./delivery";
import { madeAlert, madeNotification, madeRule, NOON } from "./made";

const viewOf = (...rules: Rule[]) => alertsView({ groups: [{ name: "g", file: "", rules }] }, []);

test("firing comes before pending, the oldest first", () => {
  const view = viewOf(
    madeRule({ name: "Pending", alerts: [madeAlert({ state: "pending", activeAt: NOON - 9000 })] }),
    madeRule({ name: "Young", alerts: [madeAlert({ activeAt: NOON })] }),
    madeRule({ name: "Old", alerts: [madeAlert({ activeAt: NOON - 5000 })] }),
  );
  expect(view.active.map(({ rule }) => rule.name)).toEqual(["Old", "Young", "Pending"]);
  expect([view.firing, view.pending]).toEqual([2, 1]);
});

test("rules without alerts are calm, the broken ones first; recording rules are only counted", () => {
  const view = viewOf(
    madeRule({ name: "A" }),
    madeRule({ name: "B", health: "err" }),
    madeRule({ name: "sum:up", type: "recording" }),
    madeRule({ name: "C", alerts: [madeAlert()] }),
  );
  expect(view.inactive.map(({ rule }) => rule.name)).toEqual(["B", "A"]);
  expect([view.alertingRules, view.broken.length]).toEqual([3, 1]);
});

test("the same rule in two groups has two keys", () => {
  const groups = ["one", "two"].map((name) => ({ name, file: "", rules: [madeRule({ alerts: [madeAlert()] })] }));
  expect(new Set(alertsView({ groups }, []).active.map(({ key }) => key)).size).toBe(2);
});

test("an alert keeps its key while its value changes", () => {
  const keyOf = (value: number) => viewOf(madeRule({ alerts: [madeAlert({ value })] })).active[0]?.key;
  expect(keyOf(1)).toBe(keyOf(2));
});

test("a pending alert fires when its time is over, a firing one has no such time", () => {
  const [pending] = viewOf(madeRule({ alerts: [madeAlert({ state: "pending" })] })).active;
  const [firing] = viewOf(madeRule({ alerts: [madeAlert()] })).active;
  expect(pending && firesAt(pending)).toBe(NOON + 15_000);
  expect(firing && firesAt(firing)).toBe(null);
});

test("labels that every alert of a rule has tell nothing", () => {
  expect(tellingLabels({ alertname: "Slow", severity: "critical", queue: "push" })).toEqual([["queue", "push"]]);
});

describe("who was told", () => {
  const alert = madeAlert({ labels: { alertname: "Slow", queue: "push" } });
  const about = (labels: Record<string, string>) => [{ name: "Slow", labels, status: "firing" as const }];
  const told = madeNotification({ alerts: about({ alertname: "Slow", queue: "push", region: "eu" }) });

  test.each([
    ["the server does not say", null, "unknown"],
    ["no attempt yet", [], "waiting"],
    ["delivered, with labels added on the way", [told], "delivered"],
    ["another queue's alert", [{ ...told, alerts: about({ queue: "mail" }) }], "waiting"],
    ["another rule's alert", [{ ...told, alerts: [{ name: "Down", labels: { queue: "push" }, status: "firing" as const }] }], "waiting"],
    ["from an earlier time", [{ ...told, at: NOON - 1 }], "waiting"],
    ["a resolution is no alarm", [{ ...told, alerts: [{ name: "Slow", labels: { queue: "push" }, status: "resolved" as const }] }], "waiting"],
    ["under way", [{ ...told, outcome: "pending" as const }], "sending"],
    ["delivered after a failure", [told, { ...told, outcome: "failed" as const }], "delivered"],
    ["failed after a delivery", [{ ...told, outcome: "failed" as const }, told], "failed"],
    ["one of two receivers failed", [told, { ...told, receiver: "mail", outcome: "failed" as const }], "failed"],
  ])("%s", (_, notifications, expected) => {
    expect(deliveryOf(alert, "Slow", notifications).state).toBe(expected);
  });
});
