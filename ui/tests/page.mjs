// The page against a running server with the demo: `node tests/page.mjs URL [--shots DIR]`.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Checks, equal, openBrowser, openPage, until } from "./browser.mjs";
import { beyondTheEdge, brightness, colouredPixels, faintTexts, namelessControls } from "./inspect.mjs";

const { values, positionals } = parseArgs({ options: { shots: { type: "string" } }, allowPositionals: true });
const [url] = positionals;
if (url === undefined) {
  console.error("usage: node tests/page.mjs URL [--shots DIR]");
  process.exit(2);
}
if (values.shots) mkdirSync(values.shots, { recursive: true });

/** What a person must find on the page of a healthy demo. */
async function content(checks, page) {
  await checks.check("the summary says more than that it listens", () =>
    until("there is a verdict", async () => {
      const level = await page.locator("[data-level]").getAttribute("data-level");
      return ["calm", "pending", "trouble", "firing"].includes(level) || level;
    }),
  );
  await checks.check("targets are listed, and all are up", () =>
    until("every target is up", async () => {
      const texts = await page.getByRole("region", { name: "Targets", exact: true }).locator(".badge").allInnerTexts();
      return (texts.length > 0 && texts.every((text) => text.trim() === "Up")) || texts;
    }),
  );
  await checks.check("an alert rule is listed", () =>
    until("a rule has a name", async () => {
      const alerts = page.getByRole("region", { name: "Alerts", exact: true });
      return (await alerts.locator("summary .name, article h3").count()) > 0 || (await alerts.innerText());
    }),
  );
  await checks.check("the chart has drawn a line", () =>
    until("the canvas has colour", async () => {
      const pixels = await colouredPixels(page);
      return pixels > 100 || pixels;
    }),
  );
  await checks.check("the legend shows a number", () =>
    until("a value is a number", async () => {
      const texts = await page.locator("tbody td.value").allInnerTexts();
      return texts.some((text) => /^-?\d/.test(text)) || texts;
    }),
  );
}

async function themes(checks, page) {
  const choose = (name) => page.getByRole("radio", { name }).check({ force: true });
  await checks.check("dark by hand is dark, and is remembered", async () => {
    await choose("Dark");
    if ((await brightness(page)) > 60) throw new Error(`brightness ${await brightness(page)} is not dark`);
    await page.reload();
    await page.locator("[data-level]").waitFor();
    if ((await brightness(page)) > 60) throw new Error("the choice was forgotten");
  });
  await checks.check("light by hand is light", async () => {
    await choose("Light");
    if ((await brightness(page)) < 200) throw new Error(`brightness ${await brightness(page)} is not light`);
  });
  await checks.check("the system's theme can be had back", async () => {
    await choose("As the system");
    equal(await page.evaluate(() => localStorage.getItem("stonechat-theme")), null, "stored theme");
  });
}

async function looks(checks, browser, { width, theme }) {
  const { page, complaints, close } = await openPage(browser, { width, height: width < 700 ? 844 : 900, theme });
  const at = `at ${width} in ${theme}`;
  await page.goto(url);
  await until("the chart is drawn", async () => (await colouredPixels(page)) > 100).catch(() => {});
  await checks.check(`nothing reaches beyond the edge ${at}`, async () => equal(await beyondTheEdge(page), [], "elements"));
  await checks.check(`every text can be read ${at}`, async () => equal(await faintTexts(page), [], "faint texts"));
  await checks.check(`the console is quiet ${at}`, () => equal(complaints, [], "complaints"));
  if (values.shots) await page.screenshot({ path: join(values.shots, `page-${width}-${theme}.png`), fullPage: true });
  await close();
}

const checks = new Checks();
const browser = await openBrowser();
try {
  const { page, complaints, close } = await openPage(browser);
  await page.goto(url);
  await content(checks, page);
  await themes(checks, page);
  await checks.check("every control has a name", async () => equal(await namelessControls(page), [], "controls"));
  await checks.check("the console is quiet", () => equal(complaints, [], "complaints"));
  await close();
  for (const width of [1280, 390]) for (const theme of ["light", "dark"]) await looks(checks, browser, { width, theme });
} catch (error) {
  await checks.check("the page opens", () => Promise.reject(error));
} finally {
  await browser.close();
}
checks.end();
