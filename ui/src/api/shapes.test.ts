import { describe, expect, test } from "vitest";
import * as shape from "./shapes";

/** What a shape makes of a value: the value, or the message that names the field. */
function check<T>(member: shape.Shape<T>, value: unknown): T | string {
  try {
    return member(value);
  } catch (error) {
    return (error as Error).message;
  }
}

describe("a sample's value", () => {
  test.each([
    ["1.5", 1.5],
    ["-0.25e-3", -0.00025],
    ["+Inf", Infinity],
    ["-Inf", -Infinity],
    ["NaN", NaN],
    ["", "the answer: expected a number in a string, found a string"],
    ["many", "the answer: expected a number in a string, found a string"],
    [3, "the answer: expected a string, found a number"],
  ])("%j", (written, expected) => {
    expect(check(shape.sampleValue, written)).toEqual(expected);
  });
});

describe("an instant", () => {
  test.each([
    ["2026-11-22T03:02:11Z", Date.UTC(2026, 10, 22, 3, 2, 11)],
    ["2026-11-22T03:02:11.123456789+01:00", Date.UTC(2026, 10, 22, 2, 2, 11, 123)],
    ["0001-01-01T00:00:00Z", null],
    ["yesterday", "the answer: expected an RFC 3339 time, found a string"],
  ])("%j", (written, expected) => {
    expect(check(shape.instant, written)).toEqual(expected);
  });
});

describe("an object", () => {
  const pair = shape.object({ name: shape.text, count: shape.or(shape.number, 0), inner: shape.list(shape.map(shape.text)) });
  test.each([
    [{ name: "a", count: 2, inner: [], later: true }, { name: "a", count: 2, inner: [] }],
    [{ name: "a", inner: [] }, { name: "a", count: 0, inner: [] }],
    [{ name: "a", count: null, inner: [] }, { name: "a", count: 0, inner: [] }],
    [{ count: 2, inner: [] }, "name: expected a string, found nothing"],
    [{ name: "a", inner: {} }, "inner: expected a list, found an object"],
    [{ name: "a", inner: [{ x: "1" }, { y: 2 }] }, "inner[1].y: expected a string, found a number"],
    [[], "the answer: expected an object, found a list"],
    [null, "the answer: expected an object, found null"],
  ])("%j", (value, expected) => {
    expect(check(pair, value)).toEqual(expected);
  });
});

test("a word is one of the few that are allowed", () => {
  expect(check(shape.word("up", "down"), "up")).toBe("up");
  expect(check(shape.word("up", "down"), "sideways")).toBe("the answer: expected one of up, down, found a string");
});
