/** What the page's address says, so that a chart can be sent to a colleague. Null is the standard. */
export interface Address {
  expression: string | null;
  window: string | null;
}

/** Reads the part of the address after `#`. */
export function readAddress(hash: string): Address {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  return { expression: fields.get("expr"), window: fields.get("window") };
}

/** The part of the address after and with `#`; empty where everything is standard. */
export function writeAddress({ expression, window }: Address): string {
  const fields = new URLSearchParams();
  if (expression !== null) fields.set("expr", expression);
  if (window !== null) fields.set("window", window);
  const written = fields.toString();
  return written === "" ? "" : `#${written}`;
}
