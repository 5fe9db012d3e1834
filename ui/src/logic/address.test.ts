import { expect, test } from "vitest";
import { readAddress, writeAddress } from "./address";

test.each([
  { expression: null, window: null },
  { expression: 'rate(a{b="#&="}[5m]) + c', window: "1h" },
  { expression: null, window: "15m" },
])("what is written is read again: %j", (address) => {
  expect(readAddress(writeAddress(address))).toEqual(address);
});

test("a foreign address is the standard", () => {
  expect(readAddress("#targets")).toEqual({ expression: null, window: null });
  expect(writeAddress({ expression: null, window: null })).toBe("");
});
