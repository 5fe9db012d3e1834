// Made-up series that look like a chat: a slow swell, some noise, a gap, and what a scenario breaks.

const INSTANCES = { "chat-gateway": 19101, "chat-load": 19102, "chat-logic": 19103, "chat-task": 19104 };

/** Between 0 and 1, the same for the same time: a reload shows the same past. */
function noise(seconds, seed) {
  const x = Math.sin(seconds * 12.9898 + seed * 78.233) * 43758.5453;
  return x - Math.floor(x);
}

function smooth(seconds, seed) {
  return (noise(Math.floor(seconds / 2), seed) + noise(Math.floor(seconds / 3), seed + 1) + noise(Math.floor(seconds / 7), seed + 2)) / 3;
}

const after = (seconds, milliseconds) => milliseconds !== undefined && seconds * 1000 >= milliseconds;

const MODELS = [
  {
    matches: /chat_messages_sent_total.*\/|\/.*chat_messages_sent_total/,
    series: ({ shape }) => [[{}, (t) => (after(t, shape.failing) ? 0.1 + 0.04 * smooth(t, 5) : 0)]],
  },
  {
    matches: /chat_messages_sent_total/,
    series: ({ shape }) => [
      [{ status: "error" }, (t) => (after(t, shape.failing) ? 9 + 3 * smooth(t, 9) : 0.2 * smooth(t, 4))],
      [{ status: "ok" }, (t) => (after(t, shape.slow) ? 46 : 78) + 9 * Math.sin(t / 47) + 14 * smooth(t, 1)],
    ],
  },
  {
    matches: /histogram_quantile/,
    series: ({ shape }) => [[{}, (t) => (after(t, shape.slow) ? 0.55 + 0.12 * smooth(t, 3) : 0.018 + 0.01 * smooth(t, 3))]],
  },
  { matches: /chat_queue_lag/, series: () => [[{ queue: "push" }, (t) => Math.round(12 * smooth(t, 6))]] },
  { matches: /chat_websocket_connections/, series: () => [[{}, () => 200]] },
  {
    matches: /process_resident_memory_bytes/,
    series: () =>
      Object.entries(INSTANCES).map(([job, port], index) => [
        { __name__: "process_resident_memory_bytes", job, instance: `127.0.0.1:${port}` },
        (t) => (18 + index * 9 + 0.6 * smooth(t, index)) * 2 ** 20,
      ]),
  },
  {
    matches: /^up$/,
    series: ({ shape, down }) =>
      Object.entries(INSTANCES).map(([job, port]) => [
        { __name__: "up", job, instance: `127.0.0.1:${port}` },
        (t) => (job === down && after(t, shape.dead) ? 0 : 1),
      ]),
  },
];

/** The result of a range query, as far as the page asks one. */
export function rangeAnswer(query, range, scenario) {
  if (query === "ALERTS") return alertSeries(range, scenario);
  const model = MODELS.find(({ matches }) => matches.test(query));
  if (!model || scenario.shape.silent) return [];
  return model.series(scenario).map(([metric, value]) => ({ metric, values: sampled(range, (t) => (inGap(t, query) ? null : value(t))) }));
}

/** Half a minute in which nothing was scraped, to see that a gap is a gap. */
function inGap(seconds, query) {
  const minute = Math.floor(seconds / 30);
  return query !== "up" && minute % 24 === 7;
}

function alertSeries(range, { active, now }) {
  return active.flatMap(({ rule, state, activeAt, firedAt }) => {
    const series = (alertstate, from, to) => ({
      metric: { __name__: "ALERTS", alertname: rule, alertstate },
      values: sampled(range, (t) => (t * 1000 >= from && t * 1000 < to ? 1 : null)),
    });
    return state === "firing" ? [series("pending", activeAt, firedAt), series("firing", firedAt, now)] : [series("pending", activeAt, now)];
  });
}

function sampled({ start, end, step }, value) {
  const values = [];
  for (let t = start; t <= end && values.length < 11_000; t += step) {
    const found = value(t);
    if (found !== null) values.push([t, String(found)]);
  }
  return values;
}
