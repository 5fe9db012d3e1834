/** A difference below this is the network and the whole seconds of the Date header, not a wrong clock. */
const TOLERANCE = 2000;

/**
 * The server's clock, ticking once a second. "12 s ago" must hold even where the clock of the
 * person's machine is wrong, so ages are counted against the clock that wrote the times.
 */
export class Clock {
  /** Milliseconds since 1970 on the server. */
  now = $state(Date.now());
  private ahead = 0;
  private timer: ReturnType<typeof setInterval> | undefined;

  /** Takes the time that an answer carries; the header has whole seconds, so half of one is added. */
  observe(serverTime: number): void {
    const ahead = serverTime + 500 - Date.now();
    this.ahead = Math.abs(ahead) < TOLERANCE ? 0 : Math.abs(ahead - this.ahead) < TOLERANCE ? this.ahead : ahead;
  }

  /** The server's time at this moment, between two ticks too. */
  read(): number {
    return Date.now() + this.ahead;
  }

  start(): void {
    this.stop();
    this.now = this.read();
    this.timer = setInterval(() => (this.now = this.read()), 1000);
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
