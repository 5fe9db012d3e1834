// The states of the page that are worth looking at. Each is a function of now and of when the state
// began, in milliseconds, so that ages grow while one looks.

const SECOND = 1000;
const MINUTE = 60 * SECOND;

const RULES = [
  {
    name: "ChatSendLatencyHigh",
    query: "histogram_quantile(0.95, sum by (le) (rate(chat_message_send_duration_seconds_bucket[15s]))) > 0.25",
    for: 15,
    severity: "warning",
    summary: "Sending a message takes too long",
    description: "95 of 100 messages are accepted within 612 ms; it should be 250 ms. The database is the usual suspect.",
  },
  {
    name: "ChatSendFailures",
    query: 'sum(rate(chat_messages_sent_total{status="error"}[30s])) / sum(rate(chat_messages_sent_total[30s])) > 0.05',
    for: 15,
    severity: "critical",
    summary: "Messages are lost on the way in",
    description: "12 % of the messages sent in the last 30 s were refused.",
  },
  { name: "ChatServiceDown", query: "up == 0", for: 10, severity: "critical", summary: "chat-task does not answer", description: "" },
  { name: "ChatQueueBacklog", query: "max by (queue) (chat_queue_lag) > 500", for: 20, severity: "warning", summary: "Messages pile up", description: "" },
  { name: "ChatMemoryHigh", query: "process_resident_memory_bytes > 512 * 1024 * 1024", for: 60, severity: "warning", summary: "", description: "" },
];
const JOBS = ["chat-gateway", "chat-load", "chat-logic", "chat-task"];

const iso = (milliseconds) => new Date(milliseconds).toISOString();

function alertOf(rule, { state, activeAt, value, labels = {} }) {
  return {
    state,
    activeAt: iso(activeAt),
    value: String(value),
    labels: { alertname: rule.name, severity: rule.severity, ...labels },
    annotations: { summary: rule.summary, description: rule.description },
  };
}

function rulesAnswer(now, active, broken) {
  const rules = RULES.map((rule) => {
    const alerts = active.filter((each) => each.rule === rule.name).map((each) => alertOf(rule, each));
    const firing = alerts.some(({ state }) => state === "firing");
    return {
      type: "alerting",
      name: rule.name,
      query: rule.query,
      state: firing ? "firing" : alerts.length > 0 ? "pending" : "inactive",
      duration: rule.for,
      keepFiringFor: 0,
      labels: { severity: rule.severity },
      annotations: { summary: rule.summary },
      alerts,
      health: broken === rule.name ? "err" : "ok",
      lastError: broken === rule.name ? "found duplicate series for the match group {} on the right side of the operation" : "",
      evaluationTime: 0.0004,
      lastEvaluation: iso(now - 800),
    };
  });
  return { groups: [{ name: "chat", file: "monitoring/demo/prometheus/rules/chat.yml", interval: 2, rules }] };
}

function targetsAnswer(now, down) {
  const activeTargets = JOBS.map((job, index) => {
    const dead = job === down;
    const instance = `127.0.0.1:${19101 + index}`;
    return {
      labels: { instance, job },
      scrapePool: job,
      scrapeUrl: `http://${instance}/metrics`,
      health: dead ? "down" : "up",
      lastError: dead ? `Get "http://${instance}/metrics": dial tcp ${instance}: connect: connection refused` : "",
      lastScrape: iso(now - 300 - index * 350),
      lastScrapeDuration: dead ? 0.0003 : 0.0021 + index * 0.0007,
      scrapeInterval: "2s",
      scrapeTimeout: "1s",
    };
  });
  return { activeTargets, droppedTargets: [] };
}

function notice(at, status, rule, { outcome = "delivered", labels = {}, answer = "200 OK", attempts = 1 } = {}) {
  const severity = RULES.find(({ name }) => name === rule).severity;
  const alert = { name: rule, labels: { alertname: rule, severity, ...labels }, status };
  const duration = outcome === "failed" ? 30 : 0.0042;
  return { at: iso(at), receiver: "webhook", group: `{alertname="${rule}"}`, status, alerts: [alert], outcome, attempts, answer, duration_seconds: duration };
}

function statusAnswer(now, error, storage) {
  return {
    version: "0.1.0",
    started_at: iso(now - 47 * MINUTE),
    config: {
      source: "monitoring/demo",
      last_reload_successful: error === null,
      last_reload_at: iso(now - (error === null ? 47 : 2) * MINUTE),
      error,
    },
    storage: { series: 1284, samples_total: 1_906_112, write_failure: null, history: 1, ...storage },
  };
}

/** What is common to all states, with what a state changes. */
function state(now, { active = [], broken = "", down = "", notices = [], refused = null, storage = {}, shape = {} } = {}) {
  return {
    now,
    active,
    down,
    shape,
    answers: {
      "/api/v1/rules": rulesAnswer(now, active, broken),
      "/api/v1/targets": targetsAnswer(now, down),
      "/api/stonechat/v1/status": statusAnswer(now, refused, storage),
      "/api/stonechat/v1/notifications": notices,
    },
  };
}

const REFUSED = `error: unknown key
  --> monitoring/demo/prometheus/prometheus.yml:14:5
14 |     scrape_intervall: 2s
   |     ^^^^^^^^^^^^^^^^ not a key of a scrape configuration; did you mean \`scrape_interval\`?`;

const FULL = "samples are refused: the write-ahead log cannot be written: No space left on device (os error 28)";

const past = (began) => [
  notice(began - 11 * MINUTE, "resolved", "ChatQueueBacklog", { labels: { queue: "push" } }),
  notice(began - 13 * MINUTE, "firing", "ChatQueueBacklog", { labels: { queue: "push" } }),
];

const slow = (began) => ({ rule: "ChatSendLatencyHigh", state: "firing", activeAt: began - 95 * SECOND, firedAt: began - 80 * SECOND, value: 0.612 });

export const scenarios = {
  calm: (now, began) => state(now, { notices: past(began) }),
  fresh: (now) => state(now, {}),
  pending: (now, began) =>
    state(now, { active: [{ rule: "ChatSendLatencyHigh", state: "pending", activeAt: began - 6 * SECOND, value: 0.431 }], notices: past(began), shape: { slow: began - 20 * SECOND } }),
  firing: (now, began) =>
    state(now, { active: [slow(began)], notices: [notice(began - 78 * SECOND, "firing", "ChatSendLatencyHigh"), ...past(began)], shape: { slow: began - 110 * SECOND } }),
  two: (now, began) => {
    const failures = { rule: "ChatSendFailures", state: "firing", activeAt: began - 40 * SECOND, firedAt: began - 25 * SECOND, value: 0.12 };
    const backlog = { rule: "ChatQueueBacklog", state: "pending", activeAt: began - 8 * SECOND, value: 812, labels: { queue: "push" } };
    const failed = notice(began - 21 * SECOND, "firing", "ChatSendFailures", { outcome: "failed", attempts: 4, answer: "error sending request for url (http://127.0.0.1:19105/): connection refused" });
    return state(now, { active: [slow(began), failures, backlog], notices: [failed, notice(began - 78 * SECOND, "firing", "ChatSendLatencyHigh"), ...past(began)], shape: { slow: began - 110 * SECOND, failing: began - 45 * SECOND } });
  },
  down: (now, began) => {
    const dead = { rule: "ChatServiceDown", state: "firing", activeAt: began - 130 * SECOND, firedAt: began - 120 * SECOND, value: 0, labels: { job: "chat-task", instance: "127.0.0.1:19104" } };
    return state(now, { active: [dead], down: "chat-task", notices: [notice(began - 118 * SECOND, "firing", "ChatServiceDown", { labels: dead.labels })], shape: { dead: began - 132 * SECOND } });
  },
  refused: (now, began) => state(now, { notices: past(began), refused: REFUSED }),
  full: (now, began) => state(now, { notices: past(began), storage: { write_failure: FULL } }),
  reading: (now, began) => state(now, { notices: past(began), storage: { history: 0.374 } }),
  broken: (now, began) => state(now, { notices: past(began), broken: "ChatSendFailures" }),
  empty: (now) => {
    const bare = state(now, {});
    bare.answers["/api/v1/rules"] = { groups: [] };
    bare.answers["/api/v1/targets"] = { activeTargets: [] };
    bare.shape.silent = true;
    return bare;
  },
  foreign: (now) => {
    const bare = state(now, {});
    delete bare.answers["/api/stonechat/v1/status"];
    delete bare.answers["/api/stonechat/v1/notifications"];
    return bare;
  },
  gone: () => ({ behaviour: "gone" }),
  mute: () => ({ behaviour: "mute" }),
  garbage: () => ({ behaviour: "garbage" }),
};
