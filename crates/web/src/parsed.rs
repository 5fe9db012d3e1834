//! `/api/v1/parse_query`: the tree of an expression, as Prometheus' editor wants it.
//!
//! Written as text and not as a tree of values, because a chain of operators may be as long as a query, and a tree of
//! values is freed by recursion.
//!
//! Source: <https://github.com/prometheus/prometheus/blob/v3.5.0/web/api/v1/translate_ast.go>

use axum::extract::State;
use axum::response::Response;
use serde_json::json;
use serde_json::value::RawValue;
use stonechat_model::{METRIC_NAME, Matcher};
use stonechat_promql::ast::{
    Aggregation, At, Binary, Call, Cardinality, ExprKind, Grouping, Length, Subquery, UnaryOp,
    ValueType, VectorSelector,
};
use stonechat_promql::{Expr, parse};

use crate::Rooms;
use crate::answer::{ApiError, ErrorType, success};
use crate::params::Params;
use crate::work;

/// The tree.
pub(crate) async fn parse_query(
    State(rooms): State<Rooms>,
    params: Params,
) -> Result<Response, ApiError> {
    let expr = parse(params.get("query").unwrap_or_default())
        .map_err(|error| ApiError::parameter("query", error))?;
    let done = work::run(rooms, None, move |_, _| {
        let mut text = String::new();
        put(&mut text, &expr);
        text
    });
    let tree = RawValue::from_string(done.await?.value)
        .map_err(|error| ApiError::new(ErrorType::Internal, error.to_string()))?;
    success(&tree)
}

fn put(text: &mut String, expr: &Expr) {
    match &expr.kind {
        ExprKind::Number(number) => put_flat(
            text,
            &json!({"type": "numberLiteral", "val": plain(number.value)}),
        ),
        ExprKind::String(value) => {
            put_flat(text, &json!({"type": "stringLiteral", "val": value}));
        }
        ExprKind::VectorSelector(selector) => {
            put_flat(text, &selected(selector, "vectorSelector"));
        }
        ExprKind::MatrixSelector(matrix) => {
            let mut fields = selected(&matrix.selector, "matrixSelector");
            fields["range"] = millis(&matrix.range).into();
            put_flat(text, &fields);
        }
        ExprKind::Subquery(subquery) => put_subquery(text, subquery),
        ExprKind::Unary(unary) => {
            let op = match unary.op {
                UnaryOp::Minus => "-",
                UnaryOp::Plus => "+",
            };
            put_around(
                text,
                &json!({"type": "unaryExpr", "op": op}),
                &unary.operand,
            );
        }
        ExprKind::Binary(_) => put_chain(text, expr),
        ExprKind::Aggregation(aggregation) => put_aggregation(text, aggregation),
        ExprKind::Call(call) => put_call(text, call),
        ExprKind::Paren(inner) => put_around(text, &json!({"type": "parenExpr"}), inner),
    }
}

/// A node without others below it.
fn put_flat(text: &mut String, fields: &serde_json::Value) {
    text.push_str(&fields.to_string());
}

/// The fields of a node that goes on.
fn put_open(text: &mut String, fields: &serde_json::Value) {
    put_flat(text, fields);
    // Its closing brace.
    text.pop();
}

fn put_around(text: &mut String, fields: &serde_json::Value, inner: &Expr) {
    put_open(text, fields);
    text.push_str(",\"expr\":");
    put(text, inner);
    text.push('}');
}

fn put_subquery(text: &mut String, subquery: &Subquery) {
    let (timestamp, start_or_end) = at(subquery.at);
    let fields = json!({
        "type": "subquery", "range": millis(&subquery.range), "offset": millis(&subquery.offset),
        "step": subquery.step.as_ref().map_or(0, millis),
        "timestamp": timestamp, "startOrEnd": start_or_end,
    });
    put_around(text, &fields, &subquery.expr);
}

fn put_aggregation(text: &mut String, aggregation: &Aggregation) {
    let (without, labels) = match &aggregation.grouping {
        Grouping::By(labels) => (false, labels),
        Grouping::Without(labels) => (true, labels),
    };
    put_open(
        text,
        &json!({"type": "aggregation", "op": aggregation.op.name(), "grouping": labels, "without": without}),
    );
    text.push_str(",\"param\":");
    match &aggregation.param {
        Some(param) => put(text, param),
        None => text.push_str("null"),
    }
    text.push_str(",\"expr\":");
    put(text, &aggregation.expr);
    text.push('}');
}

fn put_call(text: &mut String, call: &Call) {
    let function = call.function;
    let types: Vec<&str> = function
        .arg_types()
        .iter()
        .map(|one| one.api_name())
        .collect();
    put_open(
        text,
        &json!({"type": "call", "func": {
            "name": function.name(), "argTypes": types, "variadic": function.variadic(),
            "returnType": function.returns().api_name(),
        }}),
    );
    text.push_str(",\"args\":[");
    for (index, argument) in call.args.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        put(text, argument);
    }
    text.push_str("]}");
}

/// A chain of operators, without recursion along it.
fn put_chain(text: &mut String, expr: &Expr) {
    let (operators, first) = expr.chain();
    // Whether what stands left of each operator is a scalar, from the first of the text to the last.
    let mut is_scalar = first.value_type() == ValueType::Scalar;
    let mut open = Vec::with_capacity(operators.len());
    for (_, binary) in operators.iter().rev() {
        let both = is_scalar && binary.right.value_type() == ValueType::Scalar;
        let either = is_scalar || binary.right.value_type() == ValueType::Scalar;
        is_scalar = both;
        open.push(json!({
            "type": "binaryExpr", "op": binary.op.symbol(), "bool": binary.returns_bool,
            "matching": (!either).then(|| matching(binary)),
        }));
    }
    for fields in open.iter().rev() {
        put_open(text, fields);
        text.push_str(",\"lhs\":");
    }
    put(text, first);
    for (_, binary) in operators.iter().rev() {
        text.push_str(",\"rhs\":");
        put(text, &binary.right);
        text.push('}');
    }
}

fn matching(binary: &Binary) -> serde_json::Value {
    let matching = &binary.matching;
    let cardinality = match matching.cardinality {
        _ if binary.op.is_set() => "many-to-many",
        Cardinality::OneToOne => "one-to-one",
        Cardinality::ManyToOne => "many-to-one",
        Cardinality::OneToMany => "one-to-many",
    };
    json!({"card": cardinality, "labels": matching.labels, "on": matching.on, "include": matching.include})
}

fn selected(selector: &VectorSelector, kind: &str) -> serde_json::Value {
    let (timestamp, start_or_end) = at(selector.at);
    // The name stands behind the braces' matchers where it was written before them.
    let name = selector
        .name
        .iter()
        .map(|name| Matcher::equal(METRIC_NAME, name));
    let matchers = selector.matchers.iter().cloned().chain(name);
    let matchers: Vec<_> = matchers
        .map(|matcher| json!({"name": matcher.name(), "type": matcher.op().to_string(), "value": matcher.value()}))
        .collect();
    let mut fields = json!({
        "type": kind, "name": selector.name.as_deref().unwrap_or_default(), "matchers": matchers,
        "offset": millis(&selector.offset), "timestamp": timestamp, "startOrEnd": start_or_end,
    });
    if let Some(extension) = selector.extension {
        fields[extension.name()] = true.into();
    }
    fields
}

fn at(at: Option<At>) -> (Option<i64>, Option<&'static str>) {
    match at {
        None => (None, None),
        Some(At::Time(time)) => (Some(time.millis()), None),
        Some(At::Start) => (None, Some("start")),
        Some(At::End) => (None, Some("end")),
    }
}

/// A computed length is known only when it is evaluated.
fn millis(length: &Length) -> i64 {
    match length {
        Length::Fixed(millis) => *millis,
        Length::Computed(_) => 0,
    }
}

/// A number without an exponent.
fn plain(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    value.to_string()
}
