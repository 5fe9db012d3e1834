// The one clock, client and theme of the page. Components read them; nothing else is shared.
import { Client } from "../api/client";
import { Clock } from "./clock.svelte";
import { Explorer } from "./explorer.svelte";
import { Live } from "./live.svelte";
import { Theme } from "./theme.svelte";

export const clock = new Clock();
export const theme = new Theme();

const client = new Client({
  fetch: (input, init) => fetch(input, init),
  timeout: 8000,
  onServerTime: (milliseconds) => clock.observe(milliseconds),
});

export const live = new Live(client, clock);
export const explorer = new Explorer(client, clock);

/** Asks only while somebody looks. Returns a function that stops everything. */
export function watch(): () => void {
  const follow = () => (document.hidden ? rest() : wake());
  document.addEventListener("visibilitychange", follow);
  follow();
  return () => {
    document.removeEventListener("visibilitychange", follow);
    rest();
  };
}

function wake(): void {
  clock.start();
  live.poller.resume();
  explorer.poller.resume();
}

function rest(): void {
  clock.stop();
  live.poller.pause();
  explorer.poller.pause();
}
