//! The plan of a query with what each part of it cost.

use std::fmt;

use crate::ast::{Aggregation, Expr, ExprKind, Grouping};
use crate::evaluation::{Cost, Costs};
use crate::parser::DEPTH_MAX;
use crate::value::Answer;

/// The plan of a query that was run, parts behind what they belong to.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The parts.
    pub nodes: Vec<PlanNode>,
    /// What the query answered.
    pub answer: Answer,
}

/// One part of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanNode {
    /// How deep it stands: 0 for the whole query.
    pub depth: usize,
    /// What it does.
    pub title: String,
    /// What it cost; nothing for parts that were not evaluated by themselves, like numbers.
    pub cost: Option<Cost>,
}

impl Plan {
    pub(crate) fn new(expr: &Expr, costs: &Costs, answer: Answer) -> Self {
        let nodes = collect(expr, costs);
        Self { nodes, answer }
    }
}

/// All parts, each before those below it.
fn collect(expr: &Expr, costs: &Costs) -> Vec<PlanNode> {
    let mut nodes = Vec::new();
    let mut ahead = vec![(expr, 0)];
    while let Some((expr, depth)) = ahead.pop() {
        let expr = expr.without_parens();
        nodes.push(PlanNode {
            depth,
            title: title(expr),
            cost: costs.of(expr.span),
        });
        let children = expr.children().into_iter().rev();
        ahead.extend(children.map(|child| (child, depth + 1)));
    }
    nodes
}

fn title(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Subquery(subquery) => match &subquery.step {
            Some(step) => format!("subquery [{}:{step}]", subquery.range),
            None => format!("subquery [{}:]", subquery.range),
        },
        ExprKind::Unary(_) => "sign".to_owned(),
        ExprKind::Binary(binary) => binary.op.symbol().to_owned(),
        ExprKind::Aggregation(aggregation) => aggregation_title(aggregation),
        ExprKind::Call(call) => format!("{}()", call.function.name()),
        _ => expr.to_string(),
    }
}

fn aggregation_title(aggregation: &Aggregation) -> String {
    let op = aggregation.op.name();
    match &aggregation.grouping {
        Grouping::By(names) if names.is_empty() => op.to_owned(),
        Grouping::By(names) => format!("{op} by ({})", names.join(", ")),
        Grouping::Without(names) => format!("{op} without ({})", names.join(", ")),
    }
}

impl fmt::Display for Plan {
    /// One line a part: its place in the tree, series, samples and time.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self
            .nodes
            .iter()
            .map(|node| format!("{}{}", "  ".repeat(node.depth.min(DEPTH_MAX)), node.title))
            .collect();
        let width = parts.iter().map(|part| part.chars().count()).max();
        let width = width.unwrap_or_default().max("part".len());
        writeln!(
            f,
            "{:<width$}  {:>9}  {:>11}  {:>10}",
            "part", "series", "samples", "time"
        )?;
        for (part, node) in parts.iter().zip(&self.nodes) {
            match &node.cost {
                Some(cost) => writeln!(
                    f,
                    "{part:<width$}  {:>9}  {:>11}  {:>7.2} ms",
                    cost.series,
                    cost.samples,
                    cost.time.as_secs_f64() * 1000.0
                )?,
                None => writeln!(f, "{part}")?,
            }
        }
        Ok(())
    }
}
