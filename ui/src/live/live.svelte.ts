import { ApiError, type Client } from "../api/client";
import type { Notification, RuleGroups, Status, Target } from "../api/types";
import { historiesOf, type History } from "../logic/targets";
import { alertsView } from "../logic/alerts";
import { verdictOf } from "../logic/verdict";
import type { Clock } from "./clock.svelte";
import { Poller } from "./poller";

/** Parts of the page that are asked for separately and may fail separately. */
export type Part = "rules" | "targets" | "status" | "notifications" | "history";

const PACE = { interval: 2000, slowest: 15_000 };
/** The past of the targets moves slowly, so it is asked for less often. Seconds. */
const HISTORY = { window: 900, step: 10, age: 10 };
/** More targets than this have no strips: their past would weigh more than the rest of the page. */
const HISTORY_TARGETS = 100;

/** The last answers of the server, asked for again and again. What was known stays when contact is lost. */
export class Live {
  rules = $state.raw<RuleGroups | null>(null);
  targets = $state.raw<Target[] | null>(null);
  status = $state.raw<Status | null>(null);
  notifications = $state.raw<Notification[] | null>(null);
  histories = $state.raw<Map<string, History>>(new Map());
  /** Why a part could not be had although the server answers. */
  problems = $state.raw<Partial<Record<Part, string>>>({});
  /** Times in milliseconds since 1970 on the server. */
  lastContact = $state<number | null>(null);
  lostAt = $state<number | null>(null);
  lostReason = $state("");
  retryAt = $state(0);

  alerts = $derived(this.rules && alertsView(this.rules, this.notifications));
  verdict = $derived(
    verdictOf({
      alerts: this.alerts,
      targets: this.targets,
      status: this.status,
      notifications: this.notifications,
      lostAt: this.lostAt,
      blind: this.problems.rules ?? null,
    }),
  );

  readonly poller: Poller;
  private historyEnd = 0;

  constructor(
    private readonly client: Client,
    private readonly clock: Clock,
  ) {
    this.poller = new Poller(
      (signal) => this.ask(signal),
      PACE,
      (delay) => (this.retryAt = this.clock.read() + delay),
    );
  }

  private async ask(signal: AbortSignal): Promise<boolean> {
    const { client } = this;
    const errors = await Promise.all([
      this.take("rules", client.rules(signal), (rules) => (this.rules = rules)),
      this.take("targets", client.targets(signal), (targets) => (this.targets = targets)),
      this.take("status", client.status(signal), (status) => (this.status = status)),
      this.take("notifications", client.notifications(signal), (told) => (this.notifications = told)),
      this.askHistory(signal),
    ]);
    if (signal.aborted) return false;
    return this.conclude(errors.filter((error) => error !== null));
  }

  private async askHistory(signal: AbortSignal): Promise<[Part, ApiError] | null> {
    const now = this.clock.read() / 1000;
    const end = Math.floor(now / HISTORY.step) * HISTORY.step;
    const young = now - this.historyEnd < HISTORY.age + HISTORY.step;
    if (young || (this.targets?.length ?? 0) > HISTORY_TARGETS) return null;
    const range = { start: end - HISTORY.window, end, step: HISTORY.step };
    return this.take("history", this.client.range("up", range, signal), (up) => {
      this.histories = historiesOf(up, range);
      this.historyEnd = end;
    });
  }

  /** Keeps an answer as soon as it is there; a slow part holds up no other. */
  private async take<T>(part: Part, answer: Promise<T>, keep: (value: T) => void): Promise<[Part, ApiError] | null> {
    try {
      keep(await answer);
      this.lastContact = this.clock.read();
      return null;
    } catch (error) {
      return [part, error instanceof ApiError ? error : new ApiError("unexpected", String(error))];
    }
  }

  /** True while the server is there, even if it refuses some of what we ask. */
  private conclude(errors: [Part, ApiError][]): boolean {
    const silent = errors.filter(([, { failure }]) => failure === "unreachable");
    // Rules and targets are the page; without them it would show old news as if they were new.
    const lost = silent.find(([part]) => part === "rules" || part === "targets");
    this.problems = lost ? {} : Object.fromEntries(errors.map(([part, error]) => [part, error.message]));
    if (lost) {
      this.lostReason = lost[1].message;
      this.lostAt ??= this.lastContact ?? this.clock.read();
      return false;
    }
    this.lostAt = null;
    return true;
  }
}
