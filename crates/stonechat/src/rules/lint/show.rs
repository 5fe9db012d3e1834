//! Remarks on the terminal.

use std::fmt;

use stonechat_rules::{Remark, RuleRemark};

/// Something odd, and where.
pub(super) struct Odd {
    subject: Subject,
    message: String,
    help: Option<String>,
    /// The expression, and which of its bytes are meant.
    expr: Option<(String, std::ops::Range<usize>)>,
}

/// What is odd.
#[derive(Debug, Clone)]
pub(super) enum Subject {
    /// A rule.
    Rule {
        file: String,
        group: String,
        rule: String,
        is_alert: bool,
    },
    /// A panel of a dashboard.
    Panel { file: String, panel: String },
    /// An inhibition of alertmanager.yml.
    Inhibition { number: usize, conditions: String },
}

impl Odd {
    pub(super) fn of_rule(found: RuleRemark) -> Self {
        let subject = Subject::Rule {
            file: found.file,
            group: found.group,
            rule: found.rule,
            is_alert: found.is_alert,
        };
        Self::in_expr(subject, &found.expr, found.remark)
    }

    /// Something within an expression.
    pub(super) fn in_expr(subject: Subject, expr: &str, remark: Remark) -> Self {
        Self {
            subject,
            message: remark.message,
            help: remark.help,
            expr: Some((expr.to_owned(), remark.span.range())),
        }
    }

    /// An expression that is none.
    pub(super) fn of_text(subject: Subject, expr: &str, message: String) -> Self {
        Self {
            expr: Some((expr.to_owned(), 0..0)),
            ..Self::of_subject(subject, message)
        }
    }

    /// The whole.
    pub(super) fn of_subject(subject: Subject, message: String) -> Self {
        Self {
            subject,
            message,
            help: None,
            expr: None,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule {
                file,
                group,
                rule,
                is_alert,
            } => {
                let kind = if *is_alert { "alert" } else { "record" };
                write!(f, "{file}: group {group}, {kind} {rule}")
            }
            Self::Panel { file, panel } => write!(f, "{file}: {panel}"),
            Self::Inhibition { number, conditions } => {
                write!(f, "inhibit_rules, number {number}: {conditions}")
            }
        }
    }
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  {}", self.message, self.subject)?;
        if let Some((expr, place)) = &self.expr {
            // Only the line in which it begins, as panels may have many.
            let start = expr[..place.start].rfind('\n').map_or(0, |at| at + 1);
            let end = expr[place.start..]
                .find('\n')
                .map_or(expr.len(), |at| place.start + at);
            let before = expr[start..place.start].chars().count();
            let marked = expr[place.start..place.end.clamp(place.start, end)]
                .chars()
                .count();
            write!(f, "\n    {}", &expr[start..end])?;
            if marked > 0 {
                write!(f, "\n    {}{}", " ".repeat(before), "^".repeat(marked))?;
            }
        }
        match &self.help {
            Some(help) => write!(f, "\n  {help}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_that_is_meant_is_marked() {
        let subject = Subject::Panel {
            file: "d.json".to_owned(),
            panel: "Ärger".to_owned(),
        };
        let expr = "a\n + \"ä\" + boo +\n c";
        let start = expr.find("boo").unwrap();
        let odd = Odd {
            expr: Some((expr.to_owned(), start..expr.len())),
            help: Some("did you mean foo?".to_owned()),
            ..Odd::of_subject(subject, "there is no series boo".to_owned())
        };
        let shown = "there is no series boo\n  d.json: Ärger\n     + \"ä\" + boo +\n             ^^^^^\n  did you mean foo?";
        assert_eq!(odd.to_string(), shown);
    }
}
