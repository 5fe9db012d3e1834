//! Visiting the parts of a tree.

use super::{Binary, Expr, ExprKind, VectorSelector};

impl Expr {
    /// The expressions directly below, in the order of the text. Computed durations are not among them.
    #[must_use]
    pub fn children(&self) -> Vec<&Self> {
        match &self.kind {
            ExprKind::Number(_)
            | ExprKind::String(_)
            | ExprKind::VectorSelector(_)
            | ExprKind::MatrixSelector(_) => Vec::new(),
            ExprKind::Subquery(subquery) => vec![&subquery.expr],
            ExprKind::Unary(unary) => vec![&unary.operand],
            ExprKind::Binary(binary) => vec![&binary.left, &binary.right],
            ExprKind::Aggregation(aggregation) => aggregation
                .param
                .iter()
                .chain([&aggregation.expr])
                .map(AsRef::as_ref)
                .collect(),
            ExprKind::Call(call) => call.args.iter().collect(),
            ExprKind::Paren(inner) => vec![inner],
        }
    }

    /// The expressions directly below, to be changed.
    pub fn children_mut(&mut self) -> Vec<&mut Self> {
        match &mut self.kind {
            ExprKind::Number(_)
            | ExprKind::String(_)
            | ExprKind::VectorSelector(_)
            | ExprKind::MatrixSelector(_) => Vec::new(),
            ExprKind::Subquery(subquery) => vec![&mut subquery.expr],
            ExprKind::Unary(unary) => vec![&mut unary.operand],
            ExprKind::Binary(binary) => vec![&mut binary.left, &mut binary.right],
            ExprKind::Aggregation(aggregation) => aggregation
                .param
                .iter_mut()
                .chain([&mut aggregation.expr])
                .map(AsMut::as_mut)
                .collect(),
            ExprKind::Call(call) => call.args.iter_mut().collect(),
            ExprKind::Paren(inner) => vec![inner],
        }
    }

    /// The operators of a chain that leans to the left, the last of the text first, each with its whole expression; and what
    /// stands at the left end. For what is no operator that is the expression itself.
    #[must_use]
    pub fn chain(&self) -> (Vec<(&Self, &Binary)>, &Self) {
        let (mut operators, mut first) = (Vec::new(), self);
        while let ExprKind::Binary(binary) = &first.kind {
            operators.push((first, binary));
            first = &binary.left;
        }
        (operators, first)
    }

    /// Calls `visit` for this expression and everything below it, parents first.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        let mut ahead = vec![self];
        while let Some(expr) = ahead.pop() {
            visit(expr);
            ahead.extend(expr.children().into_iter().rev());
        }
    }

    /// Every selector in the tree, instant and range, in the order of the text.
    #[must_use]
    pub fn selectors(&self) -> Vec<&VectorSelector> {
        let mut found = Vec::new();
        self.walk(&mut |expr| match &expr.kind {
            ExprKind::VectorSelector(selector) => found.push(selector),
            ExprKind::MatrixSelector(matrix) => found.push(&matrix.selector),
            _ => {}
        });
        found
    }
}
