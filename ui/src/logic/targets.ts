import type { Range } from "../api/client";
import type { Labels, Matrix, Target } from "../api/types";

/** A target with what its `up` series remembers. */
export interface TargetView {
  key: string;
  instance: string;
  target: Target;
  history: History | null;
}

/** The targets of one scrape job. */
export interface Job {
  name: string;
  up: number;
  targets: TargetView[];
}

/** One cell of a target's past. */
export type Cell = "up" | "down" | "none";

export interface History {
  /** Oldest first. */
  cells: Cell[];
  /** Since when the target is down, in milliseconds and to the step of the query; null if it is up, or was down all the time we look at. */
  downSince: number | null;
}

/** Groups targets by job; what is down comes first, in jobs and inside them. */
export function jobsOf(targets: Target[], histories: Map<string, History>): Job[] {
  const jobs = new Map<string, Job>();
  for (const target of targets) {
    const name = target.labels["job"] ?? target.scrapePool;
    const job = jobs.get(name) ?? { name, up: 0, targets: [] };
    const key = keyOf(target.labels);
    job.targets.push({ key, instance: target.labels["instance"] ?? target.scrapeUrl, target, history: histories.get(key) ?? null });
    job.up += target.health === "up" ? 1 : 0;
    jobs.set(name, job);
  }
  for (const job of jobs.values()) {
    job.targets.sort((a, b) => rank(a.target) - rank(b.target) || a.instance.localeCompare(b.instance));
  }
  return [...jobs.values()].sort((a, b) => worst(a) - worst(b) || a.name.localeCompare(b.name));
}

function rank({ health }: Target): number {
  return health === "down" ? 0 : health === "unknown" ? 1 : 2;
}

function worst(job: Job): number {
  return Math.min(...job.targets.map(({ target }) => rank(target)));
}

function keyOf(labels: Labels): string {
  return `${labels["job"] ?? ""}\u0000${labels["instance"] ?? ""}`;
}

/** Steps of a range query that one cell stands for. */
export const STEPS_PER_CELL = 3;

/** The past of every target, from a range query for `up`. */
export function historiesOf(up: Matrix, range: Range): Map<string, History> {
  const length = Math.round((range.end - range.start) / range.step);
  return new Map(
    up.result.map(({ metric, values }) => {
      const steps = new Array<Cell>(length).fill("none");
      for (const [seconds, value] of values) {
        const index = Math.round((seconds - range.start) / range.step) - 1;
        if (index >= 0 && index < length) steps[index] = value === 1 ? "up" : "down";
      }
      return [keyOf(metric), { cells: cellsOf(steps), downSince: downSince(steps, range) }];
    }),
  );
}

/** A cell is down if any of its steps was: a short outage must stay visible. */
function cellsOf(steps: Cell[]): Cell[] {
  return Array.from({ length: Math.ceil(steps.length / STEPS_PER_CELL) }, (_, index) => {
    const part = steps.slice(index * STEPS_PER_CELL, (index + 1) * STEPS_PER_CELL);
    return part.includes("down") ? "down" : part.includes("up") ? "up" : "none";
  });
}

function downSince(steps: Cell[], { start, step }: Range): number | null {
  const lastUp = steps.lastIndexOf("up");
  if (steps.at(-1) !== "down" || lastUp < 0) return null;
  const firstDown = steps.indexOf("down", lastUp);
  return (start + (firstDown + 1) * step) * 1000;
}
