import { describe, expect, test } from "vitest";
import type { Labels, Matrix } from "../api/types";
import { frameOf, fullName, SERIES_LIMIT, seriesNames, summary } from "./frame";

const RANGE = { start: 100, end: 115, step: 5 };
const matrixOf = (result: Matrix["result"]): Matrix => ({ resultType: "matrix", result });

test("what is missing or cannot be drawn is a gap, and what lies outside is left out", () => {
  const values: [number, number][] = [[95, 9], [100, 1], [105.0004, 2], [110, NaN], [120, 9]];
  const frame = frameOf(matrixOf([{ metric: {}, values }]), RANGE);
  expect(frame.times).toEqual([100, 105, 110, 115]);
  expect(frame.series[0]?.values).toEqual([1, 2, null, null]);
});

test("too many series are cut, and counted", () => {
  const many = Array.from({ length: SERIES_LIMIT + 3 }, (_, index) => ({ metric: { n: `${index}` }, values: [] }));
  const frame = frameOf(matrixOf(many), RANGE);
  expect([frame.series.length, frame.leftOut]).toEqual([SERIES_LIMIT, 3]);
});

test("no series, no lines", () => {
  expect(frameOf(matrixOf([]), RANGE).series).toEqual([]);
});

describe("names are as short as the differences allow", () => {
  test.each<[string, Labels[], string[]]>([
    ["one label differs", [{ status: "ok" }, { status: "error" }], ["ok", "error"]],
    ["no labels at all", [{}], ["value"]],
    ["a name only", [{ __name__: "up" }], ["up"]],
    ["a single series", [{ __name__: "lag", queue: "push" }], ['lag{queue="push"}']],
    ["one label does for all", [{ job: "a", instance: "1" }, { job: "b", instance: "2" }], ["a", "b"]],
    ["an address if nothing better does", [{ job: "a", instance: "1" }, { job: "a", instance: "2" }], ["1", "2"]],
    ["two labels are needed", [{ a: "1", b: "1" }, { a: "1", b: "2" }, { a: "2", b: "1" }], ['{a="1", b="1"}', '{a="1", b="2"}', '{a="2", b="1"}']],
    ["a label that one lacks", [{ a: "1" }, {}], ["1", "value"]],
  ])("%s", (_, metrics, expected) => expect(seriesNames(metrics)).toEqual(expected));
});

test("the full name is an expression", () => {
  expect(fullName({ __name__: "up", job: "a" })).toBe('up{job="a"}');
  expect(fullName({})).toBe("no labels");
});

test("a summary forgives one late sample, not two", () => {
  const series = (values: (number | null)[]) => summary({ name: "", labels: {}, values });
  expect(series([3, 1, null])).toEqual({ last: 1, least: 1, most: 3 });
  expect(series([3, null, null])).toEqual({ last: null, least: 3, most: 3 });
  expect(series([null])).toEqual({ last: null, least: null, most: null });
});
