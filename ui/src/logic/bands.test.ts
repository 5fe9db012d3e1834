import { expect, test } from "vitest";
import { bandsOf, covered } from "./bands";

/** Series written as "alert state: times". */
function bands(...written: string[]) {
  const result = written.map((line) => {
    const [head = "", times = ""] = line.split(": ");
    const [alertname = "", alertstate = ""] = head.split(" ");
    return { metric: { alertname, alertstate }, values: times.split(" ").map((t): [number, number] => [Number(t), 1]) };
  });
  return bandsOf({ resultType: "matrix", result }, 5);
}

test("samples on neighbouring steps are one span, a missing step begins another", () => {
  expect(bands("A firing: 10 15 20 30 35")).toEqual([
    { alert: "A", state: "firing", from: 10, to: 25 },
    { alert: "A", state: "firing", from: 30, to: 40 },
  ]);
});

test("instances of one alert become one span, its states stay apart", () => {
  expect(bands("A pending: 5 10", "A firing: 15 20", "A firing: 20 25")).toEqual([
    { alert: "A", state: "pending", from: 5, to: 15 },
    { alert: "A", state: "firing", from: 15, to: 30 },
  ]);
});

test("a state that we do not know is not drawn", () => {
  expect(bands("A sleeping: 5")).toEqual([]);
});

test("spans of several alerts are drawn once", () => {
  const found = bands("A firing: 10 15", "B firing: 15 20", "C firing: 40", "D pending: 10");
  expect(covered(found, "firing")).toEqual([{ from: 10, to: 25 }, { from: 40, to: 45 }]);
});
