// What is drawn behind and above the lines: alerts' spans, a threshold, the newest points.
import type uPlot from "uplot";
import type { Answered } from "../live/explorer.svelte";
import { covered, type Band } from "../logic/bands";
import { formatValue } from "../logic/units";
import type { Colours } from "./colours";

/** Height of the strip on top of the chart that says which kind of span it is, in CSS pixels. */
const STRIP = 5;

/** When alerts were pending or firing, under everything: pale over the height, with a strip on top that differs in form too. */
export function drawBands(plot: uPlot, bands: Band[], colours: Colours): void {
  const { ctx } = plot;
  const { left, top, width, height } = plot.bbox;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  // Firing hides pending: two alerts at once must not mix into a third colour.
  for (const state of ["pending", "firing"] as const) {
    for (const { from, to } of covered(bands, state)) {
      const start = plot.valToPos(from, "x", true);
      const end = Math.max(plot.valToPos(to, "x", true), start + 2 * devicePixelRatio);
      ctx.fillStyle = colours.surface;
      ctx.fillRect(start, top, end - start, height);
      ctx.fillStyle = state === "firing" ? colours.bad : colours.warn;
      ctx.globalAlpha = 0.12;
      ctx.fillRect(start, top, end - start, height);
      ctx.globalAlpha = 1;
      drawStrip(ctx, { start, end, top, dash: state === "firing" ? end - start : 3 * devicePixelRatio });
    }
  }
  ctx.restore();
}

interface Strip {
  start: number;
  end: number;
  top: number;
  dash: number;
}

function drawStrip(ctx: CanvasRenderingContext2D, { start, end, top, dash }: Strip): void {
  for (let x = start; x < end; x += 2 * dash) ctx.fillRect(x, top, Math.min(dash, end - x), STRIP * devicePixelRatio);
}

/** The line at which an alert's expression becomes true, with its value. */
export function drawThreshold(plot: uPlot, { threshold, unit }: Answered, colours: Colours): void {
  if (!threshold) return;
  const { ctx } = plot;
  const { left, width } = plot.bbox;
  const y = Math.round(plot.valToPos(threshold.value, "y", true));
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = colours.bad;
  ctx.fillStyle = colours.bad;
  ctx.lineWidth = 1.5 * ratio;
  ctx.setLineDash([6 * ratio, 4 * ratio]);
  ctx.beginPath();
  ctx.moveTo(left, y);
  ctx.lineTo(left + width, y);
  ctx.stroke();
  ctx.font = `600 ${12 * ratio}px ${getComputedStyle(document.body).fontFamily}`;
  ctx.textAlign = "left";
  ctx.textBaseline = "bottom";
  ctx.fillText(`${threshold.operator} ${formatValue(threshold.value, unit)}`, left + 6 * ratio, y - 3 * ratio);
  ctx.restore();
}

/** A dot on the newest value of each line, so that the eye finds where now is. */
export function drawNewest(plot: uPlot, strokes: string[], colours: Colours): void {
  const { ctx } = plot;
  const times = plot.data[0];
  strokes.forEach((stroke, index) => {
    if (plot.series[index + 1]?.show === false) return;
    const values = plot.data[index + 1];
    const at = [times.length - 1, times.length - 2].find((each) => typeof values?.[each] === "number");
    const time = at === undefined ? undefined : times[at];
    const value = at === undefined ? undefined : values?.[at];
    if (time === undefined || typeof value !== "number") return;
    ctx.save();
    ctx.beginPath();
    ctx.arc(plot.valToPos(time, "x", true), plot.valToPos(value, "y", true), 3.5 * devicePixelRatio, 0, 2 * Math.PI);
    ctx.fillStyle = stroke;
    ctx.strokeStyle = colours.surface;
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.fill();
    ctx.stroke();
    ctx.restore();
  });
}
