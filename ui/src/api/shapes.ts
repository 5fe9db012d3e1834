// Runtime checks for answers of the server. A type alone would let a wrong answer surface as
// "undefined" somewhere on the page; a check names the field where the answer first went wrong.

/** The answer does not have the promised shape; `path` names the first field that differs. */
export class ShapeError extends Error {
  constructor(
    readonly path: string,
    readonly expected: string,
    found: unknown,
  ) {
    super(`${path || "the answer"}: expected ${expected}, found ${kindOf(found)}`);
  }
}

/** Returns the value with its type, or throws a `ShapeError`. */
export type Shape<T> = (value: unknown, path?: string) => T;

/** The type that a shape lets through. */
export type Of<S> = S extends Shape<infer T> ? T : never;

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** A string. */
export const text: Shape<string> = (value, path = "") => {
  if (typeof value !== "string") throw new ShapeError(path, "a string", value);
  return value;
};

/** A finite JSON number. */
export const number: Shape<number> = (value, path = "") => {
  if (typeof value !== "number") throw new ShapeError(path, "a number", value);
  return value;
};

/** True or false. */
export const flag: Shape<boolean> = (value, path = "") => {
  if (typeof value !== "boolean") throw new ShapeError(path, "true or false", value);
  return value;
};

/** One of a few words. */
export function word<const W extends string>(...words: W[]): Shape<W> {
  return (value, path = "") => {
    const found = words.find((each) => each === value);
    if (found === undefined) throw new ShapeError(path, `one of ${words.join(", ")}`, value);
    return found;
  };
}

/** RFC 3339 as milliseconds since 1970; Go's zero time, "never" in Prometheus' answers, is null. */
export const instant: Shape<number | null> = (value, path = "") => {
  const milliseconds = Date.parse(text(value, path));
  if (Number.isNaN(milliseconds)) throw new ShapeError(path, "an RFC 3339 time", value);
  return milliseconds < 0 ? null : milliseconds;
};

/** A sample's value: JSON has no NaN or infinity, so the API writes numbers as strings. */
export const sampleValue: Shape<number> = (value, path = "") => {
  const written = text(value, path);
  if (written === "+Inf") return Infinity;
  if (written === "-Inf") return -Infinity;
  const parsed = Number(written);
  if (written === "" || (Number.isNaN(parsed) && written !== "NaN")) {
    throw new ShapeError(path, "a number in a string", value);
  }
  return parsed;
};

/** A list whose every member has the shape. */
export function list<T>(member: Shape<T>): Shape<T[]> {
  return (value, path = "") => {
    if (!Array.isArray(value)) throw new ShapeError(path, "a list", value);
    return value.map((each, index) => member(each, `${path}[${index}]`));
  };
}

/** An object with free keys, such as labels. */
export function map<T>(member: Shape<T>): Shape<Record<string, T>> {
  return (value, path = "") => {
    const entries = Object.entries(record(value, path));
    return Object.fromEntries(entries.map(([key, each]) => [key, member(each, `${path}.${key}`)]));
  };
}

/** The value, or `fallback` where the server left it out or wrote null. */
export function or<T, F>(member: Shape<T>, fallback: F): Shape<T | F> {
  return (value, path = "") => (value === undefined || value === null ? fallback : member(value, path));
}

/** An object with these fields; others are allowed and dropped, so that a newer server still works. */
export function object<F extends Record<string, Shape<unknown>>>(fields: F): Shape<{ [K in keyof F]: Of<F[K]> }> {
  return (value, path = "") => {
    const source = record(value, path);
    const entries = Object.entries(fields).map(([key, member]) => [
      key,
      member(source[key], path === "" ? key : `${path}.${key}`),
    ]);
    return Object.fromEntries(entries) as { [K in keyof F]: Of<F[K]> };
  };
}

function record(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ShapeError(path, "an object", value);
  }
  return value as Record<string, unknown>;
}
