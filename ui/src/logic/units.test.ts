import { describe, expect, test } from "vitest";
import { formatCount, formatValue, unitOf, type Unit } from "./units";

describe("a value", () => {
  test.each<[number | null, Unit, string]>([
    [null, "plain", "–"],
    [NaN, "plain", "NaN"],
    [Infinity, "seconds", "+Inf"],
    [-Infinity, "bytes", "-Inf"],
    [0, "plain", "0"],
    [0, "seconds", "0 s"],
    [0, "bytes", "0 B"],
    [0.05, "plain", "0.05"],
    [0.0000012, "plain", "1.2e-6"],
    [200, "plain", "200"],
    [999.6, "plain", "1 k"],
    [1234, "plain", "1.23 k"],
    [-1234, "plain", "-1.23 k"],
    [45.21, "per second", "45.2/s"],
    [0.612, "seconds", "612 ms"],
    [0.0000042, "seconds", "4.2 µs"],
    [90, "seconds", "1.5 min"],
    [100, "bytes", "100 B"],
    [96 * 2 ** 20, "bytes", "96 MiB"],
    [1.5 * 2 ** 30, "bytes per second", "1.5 GiB/s"],
  ])("%d %s", (value, unit, expected) => expect(formatValue(value, unit)).toBe(expected));
});

test("a count has thin groups", () => {
  expect([0, 999, 1284, 1_906_112].map(formatCount)).toEqual(["0", "999", "1\u202f284", "1\u202f906\u202f112"]);
});

describe("the unit of an expression", () => {
  test.each<[string, Unit]>([
    ["up", "plain"],
    ["sum by (status) (rate(chat_messages_sent_total[15s]))", "per second"],
    ["histogram_quantile(0.95, sum by (le) (rate(x_duration_seconds_bucket[30s])))", "seconds"],
    ["process_resident_memory_bytes", "bytes"],
    ["rate(net_received_bytes_total[1m])", "bytes per second"],
    ["rate(process_cpu_seconds_total[1m])", "plain"],
    ['sum(rate(a_total{status="error"}[30s])) / sum(rate(a_total[30s]))', "plain"],
    ['rate(a_total{path="/send"}[1m])', "per second"],
    ["time() - process_start_time_seconds", "seconds"],
  ])("%s", (expression, expected) => expect(unitOf(expression)).toBe(expected));
});
