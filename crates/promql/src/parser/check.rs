//! Types and counts of arguments.

use stonechat_model::METRIC_NAME;

use super::ParseError;
use crate::ast::{
    AggregateOp, Aggregation, Binary, Call, Cardinality, Expr, ExprKind, Span, ValueType,
    VectorSelector, quote,
};
use crate::functions::{Arity, Function};

/// Refuses a tree whose types do not fit.
pub(super) fn check(text: &str, expr: &Expr) -> Result<(), ParseError> {
    Checker { text }.expr(expr).map(|_| ())
}

struct Checker<'a> {
    text: &'a str,
}

impl Checker<'_> {
    fn error<T>(&self, span: Span, message: impl Into<String>) -> Result<T, ParseError> {
        Err(ParseError::new(self.text, span, message))
    }

    fn expr(&self, expr: &Expr) -> Result<ValueType, ParseError> {
        let (operators, first) = expr.chain();
        let mut given = self.operand(first)?;
        for (whole, binary) in operators.into_iter().rev() {
            let types = [given, self.expr(&binary.right)?];
            self.binary(whole.span, binary, types)?;
            given = if types == [ValueType::Scalar; 2] {
                ValueType::Scalar
            } else {
                ValueType::InstantVector
            };
        }
        Ok(given)
    }

    fn operand(&self, expr: &Expr) -> Result<ValueType, ParseError> {
        match &expr.kind {
            // Operators are what operands stand between.
            ExprKind::Binary(_) | ExprKind::Number(_) | ExprKind::String(_) => {}
            ExprKind::VectorSelector(selector) => self.selector(expr.span, selector)?,
            ExprKind::MatrixSelector(matrix) => self.selector(expr.span, &matrix.selector)?,
            ExprKind::Subquery(subquery) => {
                let inner = self.expr(&subquery.expr)?;
                if inner != ValueType::InstantVector {
                    let message = format!(
                        "subquery is only allowed on instant vector, got {} instead",
                        inner.api_name()
                    );
                    return self.error(expr.span, message);
                }
            }
            ExprKind::Unary(unary) => {
                let operand = self.expr(&unary.operand)?;
                if !matches!(operand, ValueType::Scalar | ValueType::InstantVector) {
                    let message = format!(
                        "unary expression only allowed on expressions of type scalar or instant vector, got {:?}",
                        operand.name()
                    );
                    return self.error(expr.span, message);
                }
            }
            ExprKind::Aggregation(aggregation) => self.aggregation(aggregation)?,
            ExprKind::Call(call) => self.call(expr.span, call)?,
            ExprKind::Paren(inner) => return self.expr(inner),
        }
        Ok(expr.value_type())
    }

    fn expect(&self, expr: &Expr, wanted: ValueType, context: &str) -> Result<(), ParseError> {
        let given = self.expr(expr)?;
        if given == wanted {
            return Ok(());
        }
        let message = format!(
            "expected type {} in {context}, got {}",
            wanted.name(),
            given.name()
        );
        self.error(expr.span, message)
    }

    fn selector(&self, span: Span, selector: &VectorSelector) -> Result<(), ParseError> {
        let twice = selector
            .matchers
            .iter()
            .find(|matcher| matcher.name() == METRIC_NAME);
        if let (Some(name), Some(second)) = (&selector.name, twice) {
            let message = format!(
                "metric name must not be set twice: {} or {}",
                quote(name),
                quote(second.value())
            );
            return self.error(span, message);
        }
        let named = selector.name.as_ref().is_some_and(|name| !name.is_empty());
        if named || selector.matchers.iter().any(|m| !m.matches_empty()) {
            return Ok(());
        }
        let message = "vector selector must contain at least one non-empty matcher";
        self.error(span, message)
    }

    fn aggregation(&self, aggregation: &Aggregation) -> Result<(), ParseError> {
        let vector = ValueType::InstantVector;
        self.expect(&aggregation.expr, vector, "aggregation expression")?;
        let Some(param) = &aggregation.param else {
            return Ok(());
        };
        let wanted = if aggregation.op == AggregateOp::CountValues {
            ValueType::String
        } else {
            ValueType::Scalar
        };
        self.expect(param, wanted, "aggregation parameter")
    }

    fn binary(&self, span: Span, binary: &Binary, types: [ValueType; 2]) -> Result<(), ParseError> {
        let (op, matching) = (binary.op, &binary.matching);
        let scalars = types == [ValueType::Scalar; 2];
        let vectors = types == [ValueType::InstantVector; 2];
        if binary.returns_bool && !op.is_comparison() {
            let message = "bool modifier can only be used on comparison operators";
            return self.error(binary.op_span, message);
        }
        if op.is_comparison() && !binary.returns_bool && scalars {
            let message = "comparisons between scalars must use BOOL modifier";
            return self.error(binary.op_span, message);
        }
        if matching.on
            && let Some(label) = matching
                .labels
                .iter()
                .find(|label| matching.include.contains(label))
        {
            let message = format!(
                "label {} must not occur in ON and GROUP clause at once",
                quote(label)
            );
            return self.error(binary.op_span, message);
        }
        for (side, given) in [&binary.left, &binary.right].into_iter().zip(types) {
            if !matches!(given, ValueType::Scalar | ValueType::InstantVector) {
                let message = "binary expression must contain only scalar and instant vector types";
                return self.error(side.span, message);
            }
        }
        if !vectors && !matching.labels.is_empty() {
            let message = "vector matching only allowed between instant vectors";
            return self.error(span, message);
        }
        self.set_and_fill(span, binary, vectors)
    }

    /// What set operators may not have, and where values may be filled in.
    fn set_and_fill(&self, span: Span, binary: &Binary, vectors: bool) -> Result<(), ParseError> {
        let (op, matching) = (binary.op, &binary.matching);
        let fills = matching.fill_left.is_some() || matching.fill_right.is_some();
        if op.is_set() && !vectors {
            let message = format!(
                "set operator {:?} not allowed in binary scalar expression",
                op.symbol()
            );
            return self.error(span, message);
        }
        if op.is_set() && matching.cardinality != Cardinality::OneToOne {
            let message = format!("no grouping allowed for {:?} operation", op.symbol());
            return self.error(span, message);
        }
        if op.is_set() && fills {
            let message = "filling in missing series not allowed for set operators";
            return self.error(span, message);
        }
        if fills && !vectors {
            let message = "filling in missing series only allowed between instant vectors";
            return self.error(span, message);
        }
        Ok(())
    }

    /// The second argument of `info`: conditions on labels, which may select everything.
    fn label_selector(&self, arg: &Expr, context: &str) -> Result<(), ParseError> {
        match &arg.kind {
            ExprKind::VectorSelector(selector) if selector.name.is_none() => Ok(()),
            ExprKind::VectorSelector(_) => self.error(
                arg.span,
                "expected label selectors only, got vector selector instead",
            ),
            _ => {
                self.expect(arg, ValueType::InstantVector, context)?;
                self.error(arg.span, "expected label selectors only")
            }
        }
    }

    fn call(&self, span: Span, call: &Call) -> Result<(), ParseError> {
        let signature = call.function.signature();
        let (wanted, given) = (signature.args.len(), call.args.len());
        let (least, most) = match signature.arity {
            Arity::Fixed => (wanted, Some(wanted)),
            Arity::Optional(count) => (wanted - count, Some(wanted)),
            Arity::Repeated => (wanted - 1, None),
        };
        let name = call.function.name();
        let quantity = match signature.arity {
            _ if given >= least && most.is_none_or(|most| given <= most) => None,
            Arity::Fixed => Some(format!("{wanted}")),
            _ if given < least => Some(format!("at least {least}")),
            _ => Some(format!("at most {wanted}")),
        };
        if let Some(quantity) = quantity {
            let message =
                format!("expected {quantity} argument(s) in call to {name:?}, got {given}");
            return self.error(span, message);
        }
        let context = format!("call to function {name:?}");
        for (index, arg) in call.args.iter().enumerate() {
            if call.function == Function::Info && index == 1 {
                return self.label_selector(arg, &context);
            }
            let wanted = signature.args[index.min(wanted - 1)];
            self.expect(arg, wanted, &context)?;
        }
        Ok(())
    }
}
