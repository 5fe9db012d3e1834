//! A tree over several lines, broken as Prometheus breaks it.
//!
//! Source: `promql/parser/prettier.go` of Prometheus.

use std::fmt::Write as _;

use super::print::{Operator, Shift};
use super::{Aggregation, Expr, ExprKind};

/// What is longer is broken.
const LINE_MAX: usize = 100;

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
        text
    }

    fn write_pretty(&self, level: usize, text: &mut String) {
        let line = self.to_string();
        let breaks = line.len() > LINE_MAX;
        match &self.kind {
            ExprKind::Aggregation(aggregation) if breaks => aggregation.write_pretty(level, text),
            ExprKind::Binary(binary) if breaks => {
                binary.left.write_pretty(level + 1, text);
                text.push('\n');
                indent(level, text);
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{}", Operator(binary));
                binary.right.write_pretty(level + 1, text);
            }
            ExprKind::Call(call) if breaks => {
                indent(level, text);
                let _ = writeln!(text, "{}(", call.function.name());
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
                let _ = write!(text, "{}", Shift(subquery));
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
                text.push_str(&line);
            }
        }
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
