import { expect, test } from "vitest";
import { madeTarget } from "./made";
import { historiesOf, jobsOf } from "./targets";

test("what is down comes first, in jobs and inside them", () => {
  const at = (instance: string) => ({ labels: { job: "b", instance } });
  const jobs = jobsOf(
    [madeTarget("c", { health: "unknown" }), madeTarget("a"), madeTarget("b", at("2")), madeTarget("b", { ...at("3"), health: "down" }), madeTarget("b", at("1"))],
    new Map(),
  );
  expect(jobs.map(({ name, up, targets }) => [name, up, targets.map(({ instance }) => instance)])).toEqual([
    ["b", 2, ["3", "1", "2"]],
    ["c", 0, ["c:1"]],
    ["a", 1, ["a:1"]],
  ]);
});

test("without labels a target is known by its pool and address", () => {
  const [job] = jobsOf([madeTarget("a", { labels: {} })], new Map());
  expect([job?.name, job?.targets[0]?.instance]).toEqual(["a", "http://a:1/metrics"]);
});

/** A target's past from one letter a step: u up, d down, a blank for nothing. */
function historyOf(written: string) {
  const values = [...written].flatMap((letter, index): [number, number][] =>
    letter === " " ? [] : [[1000 + (index + 1) * 10, letter === "u" ? 1 : 0]],
  );
  const range = { start: 1000, end: 1000 + written.length * 10, step: 10 };
  const histories = historiesOf({ resultType: "matrix", result: [{ metric: { job: "a", instance: "a:1" }, values }] }, range);
  return jobsOf([madeTarget("a")], histories)[0]?.targets[0]?.history;
}

test.each([
  ["uuuuuu", ["up", "up"], null],
  ["uuuudu", ["up", "down"], null],
  ["uuuudd", ["up", "down"], 1050_000],
  ["uu ddd", ["up", "down"], 1040_000],
  ["dddddd", ["down", "down"], null],
  ["   uuu", ["none", "up"], null],
  ["uuu", ["up"], null],
])("the past of %j", (written, cells, downSince) => {
  expect(historyOf(written)).toEqual({ cells, downSince });
});
