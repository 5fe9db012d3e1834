import { describe, expect, test } from "vitest";
import { ago, axisTime, clockTime, span } from "./time";

describe("a span", () => {
  test.each([
    [-5, "0 s"],
    [0.9, "0 s"],
    [59.9, "59 s"],
    [60, "1 min"],
    [3599, "59 min"],
    [3600, "1 h"],
    [4320, "1 h 12 min"],
    [86400 * 3 + 3600 * 4 + 59, "3 d 4 h"],
    [86400 * 400, "400 d"],
  ])("%d seconds", (seconds, expected) => expect(span(seconds)).toBe(expected));
});

const NOW = new Date(2026, 10, 22, 3, 2, 11).getTime();

test("a moment ago is now, and so is what a clock puts ahead of us", () => {
  expect(ago(NOW - 400, NOW)).toBe("now");
  expect(ago(NOW + 3000, NOW)).toBe("now");
  expect(ago(NOW - 12_400, NOW)).toBe("12 s ago");
});

test("the clock alone today, with the day before", () => {
  expect(clockTime(new Date(2026, 10, 22, 0, 5, 9).getTime(), NOW)).toBe("00:05:09");
  expect(clockTime(new Date(2026, 10, 21, 23, 59, 1).getTime(), NOW)).toBe("21 Nov, 23:59:01");
  expect(clockTime(new Date(2025, 10, 22, 3, 2, 11).getTime(), NOW)).toBe("22 Nov, 03:02:11");
});

test("an axis shows seconds only where ticks are closer than a minute", () => {
  expect(axisTime(NOW / 1000, 60)).toBe("03:02");
  expect(axisTime(NOW / 1000, 30)).toBe("03:02:11");
});
