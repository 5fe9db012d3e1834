import * as shape from "./shapes";
import * as types from "./types";

/** Why there is no answer: nobody there, a refusal in the API's own words, or something unexpected. */
export type Failure = "unreachable" | "refused" | "unexpected";

export class ApiError extends Error {
  constructor(
    readonly failure: Failure,
    message: string,
  ) {
    super(message);
  }
}

/** A range of time for a query, in seconds since 1970; the step in seconds. */
export interface Range {
  start: number;
  end: number;
  step: number;
}

/** What the client needs from its surroundings, so that tests can replace them. */
export interface Surroundings {
  fetch: typeof fetch;
  /** An answer that takes longer counts as none. Milliseconds. */
  timeout: number;
  /** Called with the server's clock whenever an answer shows it. Milliseconds since 1970. */
  onServerTime?: (milliseconds: number) => void;
}

const answer = shape.object({
  status: shape.word("success", "error"),
  error: shape.or(shape.text, "no reason given"),
});

/** The server's API, every answer checked. Each method throws `ApiError` only, or rethrows an abort. */
export class Client {
  constructor(private readonly around: Surroundings) {}

  async rules(signal: AbortSignal): Promise<types.RuleGroups> {
    return this.get("/api/v1/rules", types.ruleGroups, signal);
  }

  async targets(signal: AbortSignal): Promise<types.Target[]> {
    return (await this.get("/api/v1/targets?state=active", types.targets, signal)).activeTargets;
  }

  async range(query: string, { start, end, step }: Range, signal: AbortSignal): Promise<types.Matrix> {
    const parameters = new URLSearchParams({ query, start: `${start}`, end: `${end}`, step: `${step}` });
    return this.get(`/api/v1/query_range?${parameters}`, types.matrix, signal);
  }

  async status(signal: AbortSignal): Promise<types.Status> {
    return this.get("/api/stonechat/v1/status", types.status, signal);
  }

  async notifications(signal: AbortSignal): Promise<types.Notification[]> {
    return this.get("/api/stonechat/v1/notifications", types.notifications, signal);
  }

  private async get<T>(path: string, data: shape.Shape<T>, signal: AbortSignal): Promise<T> {
    const { httpStatus, body } = await this.ask(path, signal);
    const parsed = parse(body, httpStatus, path);
    try {
      const { status, error } = answer(parsed);
      if (status === "error") throw new ApiError("refused", error);
      return shape.object({ data })(parsed).data;
    } catch (error) {
      if (!(error instanceof shape.ShapeError)) throw error;
      throw new ApiError("unexpected", `unexpected answer from ${pathOnly(path)}: ${error.message}`);
    }
  }

  private async ask(path: string, signal: AbortSignal): Promise<{ httpStatus: number; body: string }> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(this.around.timeout)]);
    try {
      const response = await this.around.fetch(path, { signal: limited, headers: { accept: "application/json" } });
      const clock = Date.parse(response.headers.get("date") ?? "");
      if (!Number.isNaN(clock)) this.around.onServerTime?.(clock);
      return { httpStatus: response.status, body: await response.text() };
    } catch (error) {
      if (signal.aborted) throw error;
      const late = error instanceof DOMException && error.name === "TimeoutError";
      const reason = late ? `no answer within ${this.around.timeout / 1000} s` : "no connection";
      throw new ApiError("unreachable", reason);
    }
  }
}

function parse(body: string, httpStatus: number, path: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // A proxy in front of a dead server answers for it, but not in our language.
    const failure = httpStatus >= 500 ? "unreachable" : "unexpected";
    throw new ApiError(failure, `${pathOnly(path)} answered ${httpStatus} without JSON`);
  }
}

function pathOnly(path: string): string {
  return path.split("?", 1)[0] ?? path;
}
