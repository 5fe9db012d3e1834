// Times as a tired person reads them: how long ago first, the clock beside it.

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

/** A length of time in at most two units: "12 s", "4 min", "1 h 12 min", "3 d 4 h". */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min`;
  if (whole < DAY) return two(whole, [HOUR, "h"], [MINUTE, "min"]);
  return two(whole, [DAY, "d"], [HOUR, "h"]);
}

function two(seconds: number, [large, largeName]: [number, string], [small, smallName]: [number, string]): string {
  const head = `${Math.floor(seconds / large)} ${largeName}`;
  const rest = Math.floor((seconds % large) / small);
  return rest === 0 ? head : `${head} ${rest} ${smallName}`;
}

/** How long ago, in words. Times are milliseconds since 1970; what lies ahead of `now` is "now". */
export function ago(then: number, now: number): string {
  const seconds = (now - then) / 1000;
  return seconds < 1 ? "now" : `${span(seconds)} ago`;
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** The local clock, with the day when it is not today. */
export function clockTime(then: number, now: number): string {
  const sameDay = day.format(then) === day.format(now) && Math.abs(now - then) < DAY * 1000;
  return sameDay ? clock.format(then) : `${day.format(then)}, ${clock.format(then)}`;
}

/** The clock on a time axis; seconds only where ticks are closer than a minute. */
export function axisTime(seconds: number, tickSeconds: number): string {
  const written = clock.format(seconds * 1000);
  return tickSeconds < MINUTE ? written : written.slice(0, 5);
}
