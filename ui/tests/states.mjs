// The page in every state, against the pretending server: `npm run build && node tests/states.mjs [--shots DIR]`.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startFixture } from "../dev/fixture.mjs";
import { Checks, equal, openBrowser, openPage, until } from "./browser.mjs";
import { beyondTheEdge, colouredPixels, faintTexts, namelessControls } from "./inspect.mjs";

const { values } = parseArgs({ options: { shots: { type: "string" } } });
if (values.shots) mkdirSync(values.shots, { recursive: true });

/** What each scenario must say: in the headline, in the tab, and somewhere on the page. */
const STATES = [
  ["calm", "All calm", "Stonechat", ["All 4 targets up", "No alert since"]],
  ["fresh", "All calm", "Stonechat", ["Nobody had to be told", "Watching since"]],
  ["pending", "ChatSendLatencyHigh is pending", "Stonechat", ["Nobody yet. It fires in"]],
  ["firing", "ChatSendLatencyHigh is firing", "(1) Stonechat", ["Delivered to webhook", "612 ms", "The database is the usual suspect"]],
  ["two", "2 alerts are firing", "(2) Stonechat", ["Not delivered to webhook", "connection refused", "after 4 attempts"]],
  ["down", "ChatServiceDown is firing", "(1) Stonechat", ["1 of 4 targets down: chat-task", "Down since about", "connect: connection refused"]],
  ["refused", "Calm, but the new configuration was refused", "Stonechat", ["prometheus.yml:14:5", "did you mean `scrape_interval`?"]],
  ["full", "Calm, but samples cannot be written", "Stonechat", ["No space left on device", "Writing resumes by itself"]],
  ["reading", "All calm", "Stonechat", ["History is being read back", "37 % of the log"]],
  ["broken", "1 rule cannot be evaluated", "Stonechat", ["found duplicate series"]],
  ["empty", "No alert rules are loaded", "Stonechat", ["Nothing is scraped yet", "No series matches"]],
  ["foreign", "All calm", "Stonechat", ["Unknown who was told", "notifications answered 404"]],
  ["garbage", "The alerts cannot be read", "(?) Stonechat", ["rules answered 200 without JSON", "Targets unknown"]],
  ["gone", "No contact with the server", "(?) Stonechat", ["The server does not answer", "Try now"]],
];
/** Each width and each theme once; 320 is what remains of 1280 when a page is enlarged to 400 %. */
const LOOKS = [[1280, "light"], [390, "dark"], [320, "light"]];
const OTHER_LOOKS = [[390, "light"], [1280, "dark"]];
/** Scenarios in which the browser itself reports that a request failed. */
const NOISY = new Set(["foreign", "gone"]);

async function shows(page, text) {
  await until(`the page says "${text}"`, async () => (await page.locator("body").innerText()).includes(text));
}

async function state(checks, browser, server, [name, headline, title, texts]) {
  for (const [width, theme] of values.shots ? [...LOOKS, ...OTHER_LOOKS] : LOOKS) {
    // Chosen anew for each look: a scenario goes on, and a pending alert does not stay pending.
    server.choose(name);
    const { page, complaints, close } = await openPage(browser, { width, theme });
    await page.goto(server.url);
    await checks.check(`${name} at ${width} in ${theme}`, async () => {
      await until(`the headline is "${headline}"`, async () => {
        const found = await page.locator("h1").innerText();
        return found === headline || found;
      });
      for (const text of texts) await shows(page, text);
      equal(await page.title(), title, "title");
      equal(await beyondTheEdge(page), [], "elements beyond the edge");
      equal(await faintTexts(page), [], "faint texts");
      equal(await namelessControls(page), [], "nameless controls");
      if (!NOISY.has(name)) equal(complaints, [], "complaints");
    });
    if (values.shots && width !== 320) await page.screenshot({ path: join(values.shots, `${name}-${width}-${theme}.png`), fullPage: true });
    await close();
  }
}

async function lostAndFound(checks, page, server) {
  await checks.check("lost contact keeps what was known and says how old it is", async () => {
    server.choose("gone");
    await shows(page, "The server does not answer (no connection). What you see is from");
    await shows(page, "Before: delivered to webhook");
    equal(await page.locator("article h3").innerText(), "ChatSendLatencyHigh", "the alert that was known");
    equal(await page.locator("#favicon").getAttribute("href").then((href) => href.includes("unknown")), true, "icon");
  });
  await checks.check("contact comes back by hand at once", async () => {
    server.choose("calm");
    await page.getByRole("button", { name: "Try now" }).click();
    await shows(page, "All calm");
    equal(await page.getByText("The server does not answer").count(), 0, "banners and announcements");
  });
}

async function chart(checks, page) {
  await checks.check("an alert's expression is drawn with its threshold", async () => {
    await page.getByRole("button", { name: "Show ChatSendLatencyHigh in the chart" }).click();
    await shows(page, "Send latency p95");
    await until("the legend has the latency", async () => (await page.locator("td.value").first().innerText()).endsWith(" ms"));
    equal(await page.getByRole("textbox").inputValue().then((text) => text.includes("> 0.25")), false, "comparison in the field");
    equal(new URL(page.url()).hash.startsWith("#expr=histogram_quantile"), true, "address");
  });
  await checks.check("arrow keys read the chart", async () => {
    const now = await page.locator("td.value").first().innerText();
    await page.getByRole("slider").focus();
    for (let presses = 0; presses < 28; presses += 1) await page.keyboard.press("PageDown");
    await until("an older value is read", async () => (await page.locator("td.value").first().innerText()) !== now);
    equal(await page.locator("thead .value").innerText().then((text) => /^\d\d:\d\d:\d\d$/.test(text)), true, "time");
    await page.keyboard.press("Escape");
    await until("the newest value is back", async () => (await page.locator("thead .value").innerText()) === "Now");
  });
  await checks.check("a refused expression is told in the server's words, and can be left", async () => {
    await page.getByRole("textbox").fill("sum((up");
    await page.keyboard.press("Enter");
    await shows(page, "parse error: unclosed left parenthesis");
    await page.getByRole("button", { name: "Messages sent" }).click();
    await until("a chart is drawn", async () => (await colouredPixels(page)) > 100);
    equal(await page.getByText("parse error").count(), 0, "errors left");
  });
  await checks.check("another window is another axis", async () => {
    await page.getByRole("radio", { name: "1h" }).check({ force: true });
    await until("the address says so", async () => new URL(page.url()).hash === "#window=1h");
    await until("the answer is there", async () => (await page.locator("[aria-busy=true]").count()) === 0);
    equal(await page.getByRole("slider").getAttribute("aria-valuemax"), "240", "points");
  });
  await checks.check("a line can be hidden and stays hidden in the other theme", async () => {
    const line = page.getByRole("button", { name: "ok", exact: true });
    await line.click();
    await page.getByRole("radio", { name: "Dark" }).check({ force: true });
    equal(await line.getAttribute("aria-pressed"), "false", "pressed");
    const without = await colouredPixels(page);
    await line.click();
    // The other line grows when it has the chart for itself, so only the difference tells.
    await until("the line is back", async () => Math.abs((await colouredPixels(page)) - without) > 2000);
  });
}

async function rest(checks, page) {
  await checks.check("a tab that nobody sees asks for nothing", async () => {
    let asked = 0;
    page.on("request", () => (asked += 1));
    const hide = (hidden) =>
      page.evaluate((value) => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => value });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden);
    await hide(true);
    asked = 0;
    await page.waitForTimeout(2600);
    equal(asked, 0, "requests while hidden");
    await hide(false);
    await until("it asks again", async () => asked >= 4);
  });
}

const checks = new Checks();
const server = await startFixture();
const browser = await openBrowser();
try {
  for (const each of STATES) await state(checks, browser, server, each);
  server.choose("firing");
  const { page, close } = await openPage(browser);
  await page.goto(server.url);
  await until("the chart is drawn", async () => (await colouredPixels(page)) > 100);
  await chart(checks, page);
  await rest(checks, page);
  await lostAndFound(checks, page, server);
  await close();
} catch (error) {
  await checks.check("the page opens", () => Promise.reject(error));
} finally {
  await browser.close();
  server.close();
}
checks.end();
