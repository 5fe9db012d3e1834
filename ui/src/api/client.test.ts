import { describe, expect, test, vi } from "vitest";
import { ApiError, Client } from "./client";

interface Answer {
  status?: number;
  body: string;
  headers?: Record<string, string>;
}

function clientOf(answer: Answer | Error, onServerTime?: (milliseconds: number) => void): Client {
  const fetch = vi.fn(async () => {
    if (answer instanceof Error) throw answer;
    return new Response(answer.body, { status: answer.status ?? 200, headers: answer.headers ?? {} });
  });
  return new Client({ fetch, timeout: 1000, ...(onServerTime ? { onServerTime } : {}) });
}

const signal = () => new AbortController().signal;
const RANGE = { start: 0, end: 10, step: 5 };

test("a matrix is read with its strange numbers", async () => {
  const result = [{ metric: { status: "ok" }, values: [[0, "1"], [5, "NaN"]] }];
  const client = clientOf({ body: JSON.stringify({ status: "success", data: { resultType: "matrix", result } }) });
  const matrix = await client.range("up", RANGE, signal());
  expect(matrix.result).toEqual([{ metric: { status: "ok" }, values: [[0, 1], [5, NaN]] }]);
});

test("the query travels in the address, escaped", async () => {
  const fetch = vi.fn(async () => new Response('{"status":"success","data":{"resultType":"matrix","result":[]}}'));
  await new Client({ fetch, timeout: 1000 }).range('a{b="&"} + c', RANGE, signal());
  expect(fetch).toHaveBeenCalledWith(
    "/api/v1/query_range?query=a%7Bb%3D%22%26%22%7D+%2B+c&start=0&end=10&step=5",
    expect.anything(),
  );
});

describe("failures are told apart", () => {
  test.each<[string, Answer | Error, string, string]>([
    ["nobody there", new TypeError("Failed to fetch"), "unreachable", "no connection"],
    ["a proxy's page", { status: 502, body: "<html>" }, "unreachable", "/api/v1/targets answered 502 without JSON"],
    ["another server", { status: 404, body: "404 page not found" }, "unexpected", "/api/v1/targets answered 404 without JSON"],
    ["half an answer", { body: '{"status":"succ' }, "unexpected", "/api/v1/targets answered 200 without JSON"],
    ["a refusal", { status: 400, body: '{"status":"error","errorType":"bad_data","error":"parse error"}' }, "refused", "parse error"],
    ["a refusal without words", { status: 400, body: '{"status":"error"}' }, "refused", "no reason given"],
    ["no envelope", { body: "[]" }, "unexpected", "unexpected answer from /api/v1/targets: the answer: expected an object, found a list"],
    [
      "a wrong field",
      { body: '{"status":"success","data":{"activeTargets":[{"health":"fine"}]}}' },
      "unexpected",
      "unexpected answer from /api/v1/targets: data.activeTargets[0].health: expected one of up, down, unknown, found a string",
    ],
  ])("%s", async (_, answer, failure, message) => {
    const error = await clientOf(answer).targets(signal()).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ failure, message });
  });
});

test("an answer that takes too long counts as none", async () => {
  const fetch = (_: unknown, init?: RequestInit) =>
    new Promise<Response>((_, reject) => init?.signal?.addEventListener("abort", () => reject(init.signal?.reason)));
  const client = new Client({ fetch: fetch as typeof globalThis.fetch, timeout: 5 });
  const error = await client.rules(signal()).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ failure: "unreachable", message: "no answer within 0.005 s" });
});

test("giving up is no failure of the server", async () => {
  const given = new AbortController();
  given.abort();
  const fetch = vi.fn(async () => {
    throw given.signal.reason;
  });
  const error = await new Client({ fetch, timeout: 1000 }).rules(given.signal).catch((caught: unknown) => caught);
  expect(error).not.toBeInstanceOf(ApiError);
});

test("the server's clock is handed on", async () => {
  const seen: number[] = [];
  const body = '{"status":"success","data":{"groups":[]}}';
  await clientOf({ body, headers: { date: "Sun, 22 Nov 2026 03:02:11 GMT" } }, (time) => seen.push(time)).rules(signal());
  expect(seen).toEqual([Date.UTC(2026, 10, 22, 3, 2, 11)]);
});

test("what a newer or sparser server leaves out has a quiet default", async () => {
  const rule = { type: "recording", name: "job:up:sum", query: "sum(up)", health: "ok" };
  const body = JSON.stringify({ status: "success", data: { groups: [{ name: "g", rules: [rule] }] } });
  const { groups } = await clientOf({ body }).rules(signal());
  expect(groups[0]?.rules[0]).toMatchObject({ state: "unknown", duration: 0, alerts: [], lastEvaluation: null });
});
