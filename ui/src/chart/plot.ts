// The chart as uPlot draws it. Everything that may differ between two answers to the same question
// (data, bands) is read when drawing, so that a new answer needs no new chart.
import uPlot from "uplot";
import type { Answered } from "../live/explorer.svelte";
import { axisTime } from "../logic/time";
import { formatValue } from "../logic/units";
import { colourNumbers, type Colours } from "./colours";
import { drawBands, drawNewest, drawThreshold } from "./overlay";

export interface PlotInput {
  host: HTMLElement;
  colours: Colours;
  /** The newest answer, asked for at every drawing. */
  answered: () => Answered;
  /** The point under the cursor changed; null when the cursor left. */
  onCursor: (index: number | null) => void;
}

/** Ticks of an axis of bytes: half a KiB is no round number in tens. */
const BINARY_STEPS = Array.from({ length: 60 }, (_, power) => 2 ** power);

const HEIGHT = 280;
const HEIGHT_NARROW = 220;
const NARROW = 500;

/** What must be equal for an answer to fit into an existing chart. */
export function shapeOf({ frame, unit }: Answered): string {
  return JSON.stringify([unit, frame.series.map(({ name }) => name)]);
}

/** Times and values as uPlot takes them. */
export function dataOf({ frame }: Answered): uPlot.AlignedData {
  return [frame.times, ...frame.series.map(({ values }) => values)];
}

/** The size for a host of this width. */
export function sizeOf(host: HTMLElement): { width: number; height: number } {
  const width = host.clientWidth;
  return { width, height: width < NARROW ? HEIGHT_NARROW : HEIGHT };
}

/** Builds the chart inside its host. */
export function createPlot(input: PlotInput): uPlot {
  const { host, colours, answered, onCursor } = input;
  const { series, times } = answered().frame;
  const strokes = colourNumbers(series).map((number) => colours.series[number - 1] ?? colours.ink);
  const options: uPlot.Options = {
    ...sizeOf(host),
    // On the right, room for half of the last time below the axis.
    padding: [10, 20, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 8, width: 2 } },
    scales: { x: { range: () => ends(answered().frame.times, times) }, y: { range: (_, low, high) => heights(answered(), low, high) } },
    axes: axesOf(input),
    series: [{}, ...series.map(({ name }, index) => line(name, strokes[index] ?? colours.ink, series.length))],
    hooks: {
      drawClear: [(plot) => drawBands(plot, answered().bands, colours)],
      draw: [
        (plot) => {
          drawThreshold(plot, answered(), colours);
          drawNewest(plot, strokes, colours);
        },
      ],
      setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)],
    },
  };
  return new uPlot(options, dataOf(answered()), host);
}

function ends(times: number[], fallback: number[]): [number, number] {
  return [times[0] ?? fallback[0] ?? 0, times.at(-1) ?? fallback.at(-1) ?? 1];
}

/** From zero where nothing is negative: a chart that cuts its foot off makes a small change look like a fire. */
function heights({ threshold }: Answered, low: number | null, high: number | null): [number, number] {
  const least = Math.min(low ?? 0, threshold?.value ?? 0, 0);
  const most = Math.max(high ?? 0, threshold?.value ?? 0, 0);
  if (least === most) return [0, 1];
  const air = (most - least) * 0.12;
  return [least < 0 ? least - air : 0, most > 0 ? most + air : 0];
}

function line(name: string, stroke: string, lines: number): uPlot.Series {
  const filled = lines <= 2;
  return {
    label: name,
    stroke,
    width: 1.75,
    spanGaps: false,
    ...(filled ? { fill: (plot: uPlot) => fade(plot, stroke) } : {}),
    // A sample between two gaps has no line; without a point it would not be seen at all.
    points: { show: true, size: 4, filter: lonely },
  };
}

function fade(plot: uPlot, stroke: string): CanvasGradient {
  const { top, height } = plot.bbox;
  const gradient = plot.ctx.createLinearGradient(0, top, 0, top + height);
  gradient.addColorStop(0, stroke.replace(/^rgb\((.*)\)$/, "rgba($1, 0.2)"));
  gradient.addColorStop(1, stroke.replace(/^rgb\((.*)\)$/, "rgba($1, 0.02)"));
  return gradient;
}

function lonely(plot: uPlot, which: number): number[] {
  const values = plot.data[which] ?? [];
  const known = (index: number) => typeof values[index] === "number";
  return Array.from(values.keys()).filter((index) => known(index) && !known(index - 1) && !known(index + 1));
}

function axesOf({ host, colours, answered }: PlotInput): uPlot.Axis[] {
  const font = `12px ${getComputedStyle(host).fontFamily}`;
  const common = { stroke: colours.faint, font };
  return [
    {
      ...common,
      space: host.clientWidth < NARROW ? 40 : 80,
      size: 30,
      gap: 6,
      grid: { show: false },
      ticks: { stroke: colours.grid, width: 1, size: 5 },
      values: (_, ticks, __, ___, apart) => ticks.map((tick) => axisTime(tick, apart)),
    },
    {
      ...common,
      space: host.clientWidth < NARROW ? 34 : 44,
      size: 66,
      gap: 8,
      grid: { stroke: colours.grid, width: 1 },
      ticks: { show: false },
      ...(answered().unit.startsWith("bytes") ? { incrs: BINARY_STEPS } : {}),
      values: (_, ticks) => ticks.map((tick) => formatValue(tick, answered().unit)),
    },
  ];
}
