import type { Series } from "../logic/frame";

/** The colours of a chart, as a canvas understands them. */
export interface Colours {
  ink: string;
  faint: string;
  grid: string;
  surface: string;
  warn: string;
  bad: string;
  series: string[];
}

const SERIES_COLOURS = 8;

/** Reads the theme's colours. A canvas knows neither variables nor light-dark(), so an element resolves them. */
export function coloursOf(host: HTMLElement): Colours {
  const probe = document.createElement("span");
  probe.hidden = true;
  host.append(probe);
  const read = (name: string) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const colours = {
    ink: read("--ink"),
    faint: read("--ink-faint"),
    grid: read("--line"),
    surface: read("--surface"),
    warn: read("--warn"),
    bad: read("--bad"),
    series: Array.from({ length: SERIES_COLOURS }, (_, index) => read(`--series-${index + 1}`)),
  };
  probe.remove();
  return colours;
}

/** Values of labels that mean something went wrong, and are drawn in the warm colour whatever their place. */
const BAD_VALUES = /^(error|failed|failure|5\d\d|5xx)$/;

/** The number, from 1, of each series' colour: `var(--series-N)`. */
export function colourNumbers(series: Series[]): number[] {
  let next = 1;
  return series.map(({ labels }) => {
    if (series.length > 1 && Object.values(labels).some((value) => BAD_VALUES.test(value))) return 2;
    const number = ((next - 1) % SERIES_COLOURS) + 1;
    next += number === 1 ? 2 : 1;
    return number;
  });
}
