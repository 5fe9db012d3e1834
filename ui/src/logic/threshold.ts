/** An alert's expression taken apart at its comparison, so that both sides can be drawn. */
export interface Compared {
  expression: string;
  operator: string;
  threshold: number;
}

const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
const OPENING = "([{";
const CLOSING = ")]}";

/**
 * Splits `expression > 0.5` into its left side and the number. Null when it is anything else: another
 * comparison inside, a set operator (which binds weaker), a vector on the right. This is deliberately
 * not a parser: in doubt the whole expression is drawn as it is.
 */
export function splitComparison(written: string): Compared | null {
  const outside = blankOutNested(written);
  if (outside === null || /\b(and|or|unless|bool)\b/i.test(outside)) return null;
  const comparisons = [...outside.matchAll(/(==|!=|>=|<=|>|<)/g)];
  const [only] = comparisons;
  if (comparisons.length !== 1 || only === undefined) return null;
  const expression = written.slice(0, only.index).trim();
  const right = written.slice(only.index + only[0].length).trim();
  if (expression === "" || !NUMBER.test(right)) return null;
  return { expression, operator: only[0], threshold: Number(right) };
}

/** The text with everything inside brackets and quotes replaced by blanks; null if they do not close. */
function blankOutNested(written: string): string | null {
  let depth = 0;
  let quote = "";
  let outside = "";
  for (let index = 0; index < written.length; index += 1) {
    const letter = written.charAt(index);
    const hidden = depth > 0 || quote !== "";
    if (quote !== "") {
      if (letter === "\\" && quote !== "`") {
        index += 1;
        outside += " ";
      } else if (letter === quote) quote = "";
    } else if ("\"'`".includes(letter)) quote = letter;
    else if (letter === "#") return null;
    else if (OPENING.includes(letter)) depth += 1;
    else if (CLOSING.includes(letter)) depth -= 1;
    outside += hidden || depth > 0 || quote !== "" ? " " : letter;
  }
  return depth === 0 && quote === "" ? outside : null;
}
