/** How often to ask, and how patiently to ask again. Milliseconds. */
export interface Pace {
  interval: number;
  /** The longest wait between two tries while they fail. */
  slowest: number;
}

/** True: all is well. False: wait longer before the next try. */
export type Task = (signal: AbortSignal) => Promise<boolean>;

/**
 * Runs a task again and again, one at a time. While it fails the waits double up to `slowest`;
 * while nobody looks (`pause`) it does not run at all.
 */
export class Poller {
  /** Tries that failed in a row. */
  failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running: AbortController | undefined;
  private paused = true;

  constructor(
    private readonly task: Task,
    private readonly pace: Pace,
    /** Told when the next try is due, in milliseconds from now. */
    private readonly onWait: (delay: number) => void = () => {},
  ) {}

  /** Starts or goes on, with a first run at once. */
  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.refresh();
  }

  /** Stops until `resume`; what is under way is given up. */
  pause(): void {
    this.paused = true;
    clearTimeout(this.timer);
    this.running?.abort();
    this.running = undefined;
  }

  /** Runs now instead of later; an older run that is under way is given up. */
  refresh(): void {
    if (this.paused) return;
    clearTimeout(this.timer);
    this.running?.abort();
    void this.run();
  }

  private async run(): Promise<void> {
    const mine = new AbortController();
    this.running = mine;
    const well = await this.task(mine.signal).catch(() => false);
    // A run that was given up has a successor or a pause; either way the schedule is not its own.
    if (mine.signal.aborted) return;
    this.running = undefined;
    this.failures = well ? 0 : this.failures + 1;
    const delay = waitAfter(this.failures, this.pace);
    this.onWait(delay);
    this.timer = setTimeout(() => this.refresh(), delay);
  }
}

/** The wait after this many failures in a row: the interval, doubled for each, at most `slowest`. */
export function waitAfter(failures: number, { interval, slowest }: Pace): number {
  return Math.min(slowest, interval * 2 ** Math.min(failures, 20));
}
