import { ApiError, type Client, type Range } from "../api/client";
import { bandsOf, type Band } from "../logic/bands";
import { frameOf, type Frame } from "../logic/frame";
import { readAddress, writeAddress } from "../logic/address";
import { unitOf, type Unit } from "../logic/units";
import type { Clock } from "./clock.svelte";
import { Poller } from "./poller";

/** A stretch of time up to now. Seconds. */
export interface Window {
  name: string;
  seconds: number;
  step: number;
}

export const WINDOWS: readonly Window[] = [
  { name: "5m", seconds: 300, step: 1 },
  { name: "15m", seconds: 900, step: 3 },
  { name: "1h", seconds: 3600, step: 15 },
];

/** A question worth a name. */
export interface Preset {
  name: string;
  expression: string;
}

export const PRESETS: readonly Preset[] = [
  { name: "Messages sent", expression: "sum by (status) (rate(chat_messages_sent_total[15s]))" },
  {
    name: "Send latency p95",
    expression: "histogram_quantile(0.95, sum by (le) (rate(chat_message_send_duration_seconds_bucket[15s])))",
  },
  { name: "Queue lag", expression: "chat_queue_lag" },
  { name: "Connections", expression: "sum(chat_websocket_connections)" },
  { name: "Memory", expression: "process_resident_memory_bytes" },
];

/** A line across the chart: where an alert's expression begins to be true. */
export interface Threshold {
  operator: string;
  value: number;
}

/** An answer together with the question, so that a new question never wears an old answer's unit. */
export interface Answered {
  expression: string;
  unit: Unit;
  window: Window;
  frame: Frame;
  bands: Band[];
  threshold: Threshold | null;
}

const DEFAULT_WINDOW: Window = WINDOWS[0] ?? { name: "5m", seconds: 300, step: 1 };
const DEFAULT_EXPRESSION = PRESETS[0]?.expression ?? "up";
const PACE = { interval: 2000, slowest: 15_000 };

/** The live chart: one expression over one window, asked again and again. */
export class Explorer {
  expression = $state(DEFAULT_EXPRESSION);
  window = $state.raw(DEFAULT_WINDOW);
  threshold = $state.raw<Threshold | null>(null);
  answered = $state.raw<Answered | null>(null);
  /** The server's own words about an expression that it refuses. */
  error = $state<string | null>(null);
  /** A question is under way whose answer is not on the screen yet. */
  loading = $state(true);
  readonly poller: Poller;

  constructor(
    private readonly client: Client,
    private readonly clock: Clock,
  ) {
    const address = readAddress(location.hash);
    this.expression = address.expression ?? DEFAULT_EXPRESSION;
    this.window = WINDOWS.find(({ name }) => name === address.window) ?? DEFAULT_WINDOW;
    this.poller = new Poller((signal) => this.ask(signal), PACE);
  }

  /** Draws another expression, with a line across the chart if there is a threshold. */
  show(expression: string, threshold: Threshold | null = null): void {
    this.expression = expression.trim() || DEFAULT_EXPRESSION;
    this.threshold = threshold;
    this.restart();
  }

  choose(window: Window): void {
    this.window = window;
    this.restart();
  }

  private restart(): void {
    this.loading = true;
    this.error = null;
    const standard = this.expression === DEFAULT_EXPRESSION ? null : this.expression;
    const window = this.window === DEFAULT_WINDOW ? null : this.window.name;
    history.replaceState(null, "", writeAddress({ expression: standard, window }) || location.pathname);
    this.poller.refresh();
  }

  private async ask(signal: AbortSignal): Promise<boolean> {
    const { expression, window, threshold } = this;
    const range = rangeBefore(this.clock.read() / 1000, window);
    try {
      const [matrix, alerts] = await Promise.all([
        this.client.range(expression, range, signal),
        // The chart is worth drawing without its bands.
        this.client.range("ALERTS", range, signal).catch(() => null),
      ]);
      if (signal.aborted) return false;
      const bands = alerts ? bandsOf(alerts, window.step) : [];
      this.answered = { expression, unit: unitOf(expression), window, frame: frameOf(matrix, range), bands, threshold };
      this.error = null;
      this.loading = false;
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      return this.fail(error);
    }
  }

  /** Lost contact is told once, on top of the page; here only what concerns the expression. */
  private fail(error: unknown): boolean {
    if (error instanceof ApiError && error.failure === "unreachable") return false;
    this.error = error instanceof Error ? error.message : String(error);
    this.loading = false;
    return false;
  }
}

/** The window's range with both ends on multiples of the step, so that a moving chart does not shimmer. */
export function rangeBefore(now: number, { seconds, step }: Window): Range {
  const end = Math.floor(now / step) * step;
  return { start: end - seconds, end, step };
}
