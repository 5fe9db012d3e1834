//! A tree over several lines, broken as Prometheus breaks it.
//!
//! Source: `promql/parser/prettier.go` of Prometheus.

use std::fmt::{self, Write as _};

use super::print::{Operator, Shift};
use super::{Aggregation, Expr, ExprKind};

/// What is longer is broken.
const LINE_MAX: usize = 100;

/// A longer chain of operators is left as it is: each is two blanks further in than the next.
const CHAIN_MAX: usize = 100;

/// What would become longer than this is left as it is.
const TEXT_MAX: usize = 1 << 20;

impl Expr {
    /// The expression as people read it: whatever is longer than a line is broken at its parts, each two blanks further in.
    ///
    /// ```
    /// let expr = stonechat_promql::parse("sum by(job)(rate(http_requests_total{job=\"gateway\"}[5m]))")?;
    /// assert_eq!(expr.pretty(), "sum by (job) (rate(http_requests_total{job=\"gateway\"}[5m]))");
    /// # Ok::<(), stonechat_promql::ParseError>(())
    /// ```
    #[must_use]
    pub fn pretty(&self) -> String {
        let mut text = String::new();
        self.write_pretty(0, &mut text);
        if text.len() > TEXT_MAX {
            return self.to_string();
        }
        text
    }

    fn write_pretty(&self, level: usize, text: &mut String) {
        if text.len() > TEXT_MAX {
            return;
        }
        let breaks = self.is_longer_than_a_line();
        match &self.kind {
            ExprKind::Aggregation(aggregation) if breaks => aggregation.write_pretty(level, text),
            ExprKind::Binary(_) if breaks => self.write_chain(level, text),
            ExprKind::Call(call) if breaks => {
                indent(level, text);
                text.push_str(call.function.name());
                text.push_str("(\n");
                for (place, argument) in call.args.iter().enumerate() {
                    if place > 0 {
                        text.push_str(",\n");
                    }
                    argument.write_pretty(level + 1, text);
                }
                text.push('\n');
                indent(level, text);
                text.push(')');
            }
            ExprKind::Paren(inner) if breaks => {
                indent(level, text);
                text.push_str("(\n");
                inner.write_pretty(level + 1, text);
                text.push('\n');
                indent(level, text);
                text.push(')');
            }
            ExprKind::Subquery(subquery) if breaks => {
                subquery.expr.write_pretty(level, text);
                // Writing to a String cannot fail.
                let _ = write!(text, "{}", Shift(subquery));
            }
            // Not moved in, as in Prometheus.
            ExprKind::Subquery(subquery) => {
                let _ = write!(text, "{subquery}");
            }
            ExprKind::Unary(unary) => {
                let mut operand = String::new();
                unary.operand.write_pretty(level, &mut operand);
                indent(level, text);
                text.push(unary.op.sign());
                text.push_str(operand.trim_start());
            }
            _ => {
                indent(level, text);
                let _ = write!(text, "{self}");
            }
        }
    }

    /// A chain of operators, from the left end. Not by recursion: it may be as long as a query.
    fn write_chain(&self, level: usize, text: &mut String) {
        let (operators, first) = self.chain();
        if operators.len() > CHAIN_MAX {
            indent(level, text);
            let _ = write!(text, "{self}");
            return;
        }
        // What stands left of an operator is one level further in; the first that fits into a line is not broken.
        let mut broken = operators.iter();
        let whole = broken.position(|(left, _)| !left.is_longer_than_a_line());
        match whole {
            Some(place) => operators[place].0.write_pretty(level + place, text),
            None => first.write_pretty(level + operators.len(), text),
        }
        let broken = &operators[..whole.unwrap_or(operators.len())];
        for (place, (_, binary)) in broken.iter().enumerate().rev() {
            text.push('\n');
            indent(level + place, text);
            let _ = writeln!(text, "{}", Operator(binary));
            binary.right.write_pretty(level + place + 1, text);
        }
    }

    fn is_longer_than_a_line(&self) -> bool {
        write!(Line(0), "{self}").is_err()
    }
}

/// Takes as much as goes into a line.
struct Line(usize);

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        if self.0 > LINE_MAX {
            return Err(fmt::Error);
        }
        Ok(())
    }
}

impl Aggregation {
    fn write_pretty(&self, level: usize, text: &mut String) {
        indent(level, text);
        text.push_str(&self.front());
        text.push_str("(\n");
        if let Some(param) = &self.param {
            param.write_pretty(level + 1, text);
            text.push_str(",\n");
        }
        self.expr.write_pretty(level + 1, text);
        text.push('\n');
        indent(level, text);
        text.push(')');
    }
}

fn indent(level: usize, text: &mut String) {
    text.extend(std::iter::repeat_n("  ", level));
}

#[cfg(test)]
mod tests {
    use crate::parse;

    #[test]
    fn long_expressions_are_broken_at_their_parts() {
        let long = "sum by (job, instance) (rate(http_server_requests_seconds_count{job=\"gateway\", status=~\"5..\"}[5m])) / on (job) group_left (team) \
                    -(histogram_quantile(0.99, sum by (le, job) (rate(http_server_requests_seconds_bucket{job=\"gateway\", uri=\"/api/v1/messages\"}[5m]))))";
        let expr = parse(long).unwrap();
        let pretty = expr.pretty();
        assert_eq!(
            pretty,
            r#"  sum by (job, instance) (rate(http_server_requests_seconds_count{job="gateway",status=~"5.."}[5m]))
/ on (job) group_left (team)
  -(
    histogram_quantile(
      0.99,
      sum by (le, job) (
        rate(http_server_requests_seconds_bucket{job="gateway",uri="/api/v1/messages"}[5m])
      )
    )
  )"#
        );
        assert_eq!(parse(&pretty).unwrap().to_string(), expr.to_string());
    }

    #[test]
    fn the_longest_and_the_deepest_come_back() {
        let deep = format!("{}x{}", "(1 + ".repeat(40), ")".repeat(40));
        let chains = format!(
            "{}{}{}",
            "(".repeat(40),
            "x",
            " + some_metric) * 2".repeat(40)
        );
        for text in [
            "1 + ".repeat(20_000) + "1",
            "metric + ".repeat(90) + "1",
            deep,
            chains,
        ] {
            let expr = parse(&text).unwrap();
            assert_eq!(parse(&expr.pretty()).unwrap().to_string(), expr.to_string());
        }
    }

    #[test]
    fn short_ones_stay_on_their_line() {
        for text in [
            "up",
            "-up",
            "a + b * c",
            "topk(3, x)",
            "max_over_time(x[5m:1m] offset 5m)",
        ] {
            assert_eq!(parse(text).unwrap().pretty(), text);
        }
    }
}
