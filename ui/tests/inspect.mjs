// Looks at the drawn page. The functions that are handed to `evaluate` run inside the browser.

/** Elements that reach beyond the right edge, where nothing scrolls. */
export function beyondTheEdge(page) {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const found = [...document.querySelectorAll("body *")].filter((element) => {
      if (element.closest("pre, .unseen, .u-wrap, .bird")) return false;
      return element.getBoundingClientRect().right > width + 0.5;
    });
    const names = found.map((element) => `${element.tagName.toLowerCase()}.${element.className}: ${element.textContent.trim().slice(0, 40)}`);
    if (document.documentElement.scrollWidth > width) names.push(`the page itself is ${document.documentElement.scrollWidth} wide`);
    return names;
  });
}

/** Texts whose contrast to their background is below WCAG AA. */
export function faintTexts(page) {
  return page.evaluate(() => {
    const channels = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
    const linear = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    const luminance = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
    const backgroundOf = (element) => {
      for (let each = element; each; each = each.parentElement) {
        const found = channels(getComputedStyle(each).backgroundColor);
        if (found.length === 3 || found[3] === 1) return found;
      }
      return [255, 255, 255];
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const faint = new Set();
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      const written = walker.currentNode.data.trim();
      if (written === "" || element.closest(".unseen, script, noscript, [aria-busy=true]")) continue;
      const style = getComputedStyle(element);
      const pair = [luminance(channels(style.color)), luminance(backgroundOf(element))].sort((a, b) => b - a);
      const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
      if (contrast < 4.5) faint.add(`${contrast.toFixed(2)} "${written.slice(0, 30)}" ${style.color}`);
    }
    return [...faint];
  });
}

/** Things to press or to write in that have no name to be called by. */
export function namelessControls(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll("button, a, input, textarea, [tabindex]")]
      .filter((element) => {
        const label = element.labels?.[0]?.textContent ?? "";
        return `${element.getAttribute("aria-label") ?? ""}${element.textContent}${label}`.trim() === "";
      })
      .map((element) => element.outerHTML.slice(0, 80)),
  );
}

/** How many coloured pixels the chart has: lines and fills, neither grid nor numbers. */
export function colouredPixels(page) {
  return page.evaluate(() => {
    const canvas = document.querySelector(".u-wrap canvas");
    if (!canvas) return 0;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let coloured = 0;
    for (let at = 0; at < data.length; at += 4) {
      const [r, g, b, a] = data.subarray(at, at + 4);
      if (a > 40 && Math.max(r, g, b) - Math.min(r, g, b) > 40) coloured += 1;
    }
    return coloured;
  });
}

/** The brightness of the page's ground, from 0 to 255. */
export function brightness(page) {
  return page.evaluate(() => {
    const [r, g, b] = getComputedStyle(document.documentElement).backgroundColor.match(/[\d.]+/g).map(Number);
    return (r + g + b) / 3;
  });
}
