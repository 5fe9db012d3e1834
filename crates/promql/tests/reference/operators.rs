//! Operators between two values.

use stonechat_promql::ast::{Binary, BinaryOp, Cardinality, Matching};

use crate::evaluator::{Failure, Labels, Outcome, Sample, Value, Vector, unique};

pub fn apply(binary: &Binary, left: Value, right: Value) -> Outcome<Value> {
    let op = binary.op;
    Ok(match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => {
            let (value, holds) = compute(op, left, right)?;
            Value::Scalar(if op.is_comparison() {
                as_number(holds)
            } else {
                value
            })
        }
        (Value::Vector(vector), Value::Scalar(scalar)) => {
            Value::Vector(with_scalar(binary, vector, |value| {
                compute(op, value, scalar)
            })?)
        }
        (Value::Scalar(scalar), Value::Vector(vector)) => {
            Value::Vector(with_scalar(binary, vector, |value| {
                let (result, holds) = compute(op, scalar, value)?;
                Ok((if op.is_comparison() { value } else { result }, holds))
            })?)
        }
        (Value::Vector(left), Value::Vector(right)) if op.is_set() => {
            Value::Vector(set(binary, left, right)?)
        }
        (Value::Vector(left), Value::Vector(right)) => {
            Value::Vector(unique(vectors(binary, left, right)?)?)
        }
        _ => return Err(Failure("a text has no operators")),
    })
}

/// What an operator gives for two numbers: a value, and for comparisons whether it holds; else that is true.
fn compute(op: BinaryOp, left: f64, right: f64) -> Outcome<(f64, bool)> {
    Ok(match op {
        BinaryOp::Add => (left + right, true),
        BinaryOp::Sub => (left - right, true),
        BinaryOp::Mul => (left * right, true),
        BinaryOp::Div => (left / right, true),
        BinaryOp::Mod => (left % right, true),
        BinaryOp::Pow => (left.powf(right), true),
        BinaryOp::Atan2 => (left.atan2(right), true),
        BinaryOp::Equal => (left, left == right),
        BinaryOp::NotEqual => (left, left != right),
        BinaryOp::Less => (left, left < right),
        BinaryOp::LessEqual => (left, left <= right),
        BinaryOp::Greater => (left, left > right),
        BinaryOp::GreaterEqual => (left, left >= right),
        _ => return Err(Failure("this operator is not known here")),
    })
}

fn as_number(holds: bool) -> f64 {
    if holds { 1.0 } else { 0.0 }
}

fn with_scalar(
    binary: &Binary,
    vector: Vector,
    compute: impl Fn(f64) -> Outcome<(f64, bool)>,
) -> Outcome<Vector> {
    let mut result = Vector::new();
    for Sample { mut labels, value } in vector {
        let (value, holds) = compute(value)?;
        if binary.returns_bool || binary.op.changes_meaning() {
            labels.remove("__name__");
        }
        if binary.returns_bool {
            let value = as_number(holds);
            result.push(Sample { labels, value });
        } else if holds {
            result.push(Sample { labels, value });
        }
    }
    unique(result)
}

/// The labels by which series find each other.
fn signature(matching: &Matching, labels: &Labels) -> Labels {
    let mut signature = labels.clone();
    if matching.on {
        signature.retain(|name, _| matching.labels.contains(name));
    } else {
        signature.retain(|name, _| name != "__name__" && !matching.labels.contains(name));
    }
    signature
}

fn set(binary: &Binary, left: Vector, right: Vector) -> Outcome<Vector> {
    let matching = &binary.matching;
    let is_in = |sample: &Sample, side: &Vector| {
        let wanted = signature(matching, &sample.labels);
        side.iter()
            .any(|other| signature(matching, &other.labels) == wanted)
    };
    let result = match binary.op {
        BinaryOp::And => left.into_iter().filter(|s| is_in(s, &right)).collect(),
        BinaryOp::Unless => left.into_iter().filter(|s| !is_in(s, &right)).collect(),
        _ => {
            let more: Vector = right.into_iter().filter(|s| !is_in(s, &left)).collect();
            left.into_iter().chain(more).collect()
        }
    };
    unique(result)
}

fn vectors(binary: &Binary, left: Vector, right: Vector) -> Outcome<Vector> {
    let matching = &binary.matching;
    let (fill_left, fill_right) = (matching.fill_left, matching.fill_right);
    let fills = fill_left.is_some() || fill_right.is_some();
    // Where one side has nothing, nobody looks at the other.
    if (left.is_empty() || right.is_empty()) && !fills {
        return Ok(Vector::new());
    }
    let swapped = matching.cardinality == Cardinality::OneToMany;
    let (many, one) = if swapped {
        (right, left)
    } else {
        (left, right)
    };
    for (index, sample) in one.iter().enumerate() {
        let wanted = signature(matching, &sample.labels);
        let twin = one[..index]
            .iter()
            .any(|other| signature(matching, &other.labels) == wanted);
        if twin {
            return Err(Failure("many to many"));
        }
    }
    // Pairs of labels and values of both sides, with the labels by which they were matched.
    let mut pairs: Vec<(Labels, Sample, Sample)> = Vec::new();
    for sample in &many {
        let matched = signature(matching, &sample.labels);
        let partner = one
            .iter()
            .find(|other| signature(matching, &other.labels) == matched);
        let filled = fill_right.map(|fill| Sample {
            labels: matched.clone(),
            value: fill.value,
        });
        if let Some(partner) = partner.cloned().or(filled) {
            pairs.push((matched, sample.clone(), partner));
        }
    }
    for sample in &one {
        let matched = signature(matching, &sample.labels);
        let met = pairs.iter().any(|(labels, ..)| *labels == matched);
        if let (false, Some(fill)) = (met, fill_left) {
            let filled = Sample {
                labels: matched.clone(),
                value: fill.value,
            };
            pairs.push((matched, filled, sample.clone()));
        }
    }
    combined(binary, swapped, pairs)
}

fn combined(
    binary: &Binary,
    swapped: bool,
    pairs: Vec<(Labels, Sample, Sample)>,
) -> Outcome<Vector> {
    let one_to_one = binary.matching.cardinality == Cardinality::OneToOne;
    let mut taken: Vec<(Labels, Labels)> = Vec::new();
    let mut result = Vector::new();
    for (matched, many, one) in pairs {
        let (left, right) = if swapped {
            (one.value, many.value)
        } else {
            (many.value, one.value)
        };
        let (value, holds) = compute(binary.op, left, right)?;
        let labels = result_labels(binary, &many.labels, &one.labels);
        let place = if one_to_one {
            (matched, Labels::new())
        } else {
            (matched, labels.clone())
        };
        if taken.contains(&place) {
            return Err(Failure("several matches"));
        }
        taken.push(place);
        if binary.returns_bool {
            let value = as_number(holds);
            result.push(Sample { labels, value });
        } else if holds {
            result.push(Sample { labels, value });
        }
    }
    Ok(result)
}

fn result_labels(binary: &Binary, many: &Labels, one: &Labels) -> Labels {
    let matching = &binary.matching;
    let mut labels = many.clone();
    if binary.returns_bool || binary.op.changes_meaning() {
        labels.remove("__name__");
    }
    if matching.cardinality == Cardinality::OneToOne {
        if matching.on {
            labels.retain(|name, _| matching.labels.contains(name));
        } else {
            labels.retain(|name, _| !matching.labels.contains(name));
        }
    }
    for name in &matching.include {
        labels.remove(name);
        if let Some(value) = one.get(name) {
            labels.insert(name.clone(), value.clone());
        }
    }
    labels
}
