import { expect, test } from "vitest";
import { splitComparison } from "./threshold";

test.each<[string, [string, string, number] | null]>([
  ["up == 0", ["up", "==", 0]],
  ["a / b > 0.05", ["a / b", ">", 0.05]],
  ['sum(rate(x{path=~"/a>b"}[5m])) >= 1e3', ['sum(rate(x{path=~"/a>b"}[5m]))', ">=", 1000]],
  ["(a > 1)", null],
  ["(a > 1) > 2", ["(a > 1)", ">", 2]],
  ["a > 1 > 2", null],
  ["a and b > 5", null],
  ["a > bool 5", null],
  ["a > b", null],
  ["a > 512 * 1024", null],
  ["sum(android_total) < -1", ["sum(android_total)", "<", -1]],
  ['a{b="\\""} > 1', ['a{b="\\""}', ">", 1]],
  ["a{b='>'} > 1 # note", null],
  ["sum(a > 1", null],
  ["> 1", null],
  ["", null],
])("%s", (written, expected) => {
  const compared = splitComparison(written);
  expect(compared && [compared.expression, compared.operator, compared.threshold]).toEqual(expected);
});
