// A server that only pretends: it serves ui/dist and answers the API with whatever state one wants to
// look at. `npm run fixture -- --port 9191 --scenario firing`; another state without a restart:
// `curl -X PUT http://127.0.0.1:9191/fixture/calm`.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { scenarios } from "./scenarios.mjs";
import { rangeAnswer } from "./series.mjs";

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

/** The policy under which the page must work. */
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Starts the server; `choose` switches the scenario. Port 0 takes a free one. */
export async function startFixture({ port = 0, scenario = "calm" } = {}) {
  const state = { name: known(scenario), startedAt: Date.now() };
  const choose = (name) => Object.assign(state, { name: known(name), startedAt: Date.now() });
  const server = createServer((request, response) => {
    answer(request, response, state, choose).catch((error) => send(response, 404, { status: "error", error: error.message }));
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url, choose, close };
}

function known(name) {
  if (!(name in scenarios)) throw new Error(`unknown scenario ${name}; there are ${Object.keys(scenarios).join(", ")}`);
  return name;
}

async function answer(request, response, state, choose) {
  const url = new URL(request.url, "http://fixture");
  if (request.method === "PUT" && url.pathname.startsWith("/fixture/")) {
    choose(url.pathname.slice("/fixture/".length));
    return send(response, 200, { status: "success", data: state.name });
  }
  if (!url.pathname.startsWith("/api/")) return sendFile(response, url.pathname);
  const scenario = scenarios[state.name](Date.now(), state.startedAt);
  if (scenario.behaviour === "gone") return request.socket.destroy();
  if (scenario.behaviour === "mute") return;
  if (scenario.behaviour === "garbage") return response.writeHead(200).end("<html>not what you asked for");
  if (url.pathname === "/api/v1/query_range") return sendRange(response, scenario, url.searchParams);
  const data = scenario.answers[url.pathname];
  if (data === undefined) return response.writeHead(404, { "content-type": "text/plain" }).end("404 page not found");
  send(response, 200, { status: "success", data });
}

function sendRange(response, scenario, parameters) {
  const range = { start: +parameters.get("start"), end: +parameters.get("end"), step: +parameters.get("step") };
  const query = parameters.get("query");
  if (/[({]\s*$/.test(query) || query.includes("((")) {
    const error = `invalid parameter "query": 1:${query.length + 1}: parse error: unclosed left parenthesis`;
    return send(response, 400, { status: "error", errorType: "bad_data", error });
  }
  send(response, 200, { status: "success", data: { resultType: "matrix", result: rangeAnswer(query, range, scenario) } });
}

function send(response, status, body) {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

async function sendFile(response, path) {
  const name = normalize(path === "/" ? "/index.html" : path);
  const body = await readFile(join(DIST, name));
  const type = TYPES[extname(name)] ?? "application/octet-stream";
  response.writeHead(200, { "content-type": type, "content-security-policy": POLICY }).end(body);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { values } = parseArgs({ options: { port: { type: "string", default: "9191" }, scenario: { type: "string", default: "calm" } } });
  const { url } = await startFixture({ port: Number(values.port), scenario: values.scenario });
  console.log(`${url}  (${Object.keys(scenarios).join(", ")})`);
}
