import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Poller, waitAfter } from "./poller";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const PACE = { interval: 1000, slowest: 6000 };

/** A poller whose task answers in turn with these outcomes, the last one for ever. */
function pollerOf(outcomes: (boolean | Error)[]) {
  const signals: AbortSignal[] = [];
  const waits: number[] = [];
  const task = async (signal: AbortSignal) => {
    signals.push(signal);
    const outcome = outcomes[Math.min(signals.length, outcomes.length) - 1] ?? true;
    if (outcome instanceof Error) throw outcome;
    return outcome;
  };
  return { poller: new Poller(task, PACE, (wait) => waits.push(wait)), signals, waits };
}

test("it runs at once, then once an interval", async () => {
  const { poller, signals } = pollerOf([true]);
  poller.resume();
  expect(signals).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(3000);
  expect(signals).toHaveLength(4);
});

test("failures double the wait up to the slowest, a success ends that", async () => {
  const { poller, waits } = pollerOf([false, new Error("lost"), false, false, true]);
  poller.resume();
  await vi.advanceTimersByTimeAsync(2000 + 4000 + 6000 + 6000);
  expect(waits).toEqual([2000, 4000, 6000, 6000, 1000]);
  expect(poller.failures).toBe(0);
});

test("nothing runs while paused, and what was under way is given up", async () => {
  const { poller, signals } = pollerOf([true]);
  poller.resume();
  poller.pause();
  expect(signals[0]?.aborted).toBe(true);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(signals).toHaveLength(1);
  poller.resume();
  expect(signals).toHaveLength(2);
});

test("a refresh replaces the run that is under way, and one schedule goes on", async () => {
  const { poller, signals } = pollerOf([true]);
  poller.resume();
  poller.refresh();
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(signals).toHaveLength(3);
});

test("a refresh while paused waits for the end of the pause", () => {
  const { poller, signals } = pollerOf([true]);
  poller.refresh();
  expect(signals).toHaveLength(0);
});

test("the wait does not overflow after a night without a server", () => {
  expect(waitAfter(100_000, PACE)).toBe(6000);
});
