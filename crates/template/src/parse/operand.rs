//! Pipelines, commands and operands.

use super::{Failure, Kind, Operand, OperandKind, Parsed, Parser, Pipeline, Token, fail, literal};
use crate::tree::Command;

impl<'a> Parser<'a> {
    /// A pipeline up to `end`, which is taken too.
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Parsed<Pipeline> {
        self.skip_space();
        let offset = self.peek().offset;
        let (variables, assigns) = self.declarations(context)?;
        let mut pipeline = Pipeline {
            offset,
            variables,
            assigns,
            commands: Vec::new(),
        };
        loop {
            self.skip_space();
            let token = self.peek();
            match token.kind {
                kind if kind == end => break,
                Kind::Bool
                | Kind::Character
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    let command = self.command()?;
                    pipeline.commands.push(command);
                }
                _ => return self.unexpected(token, context),
            }
        }
        check(&pipeline, context, self.peek())?;
        self.take();
        Ok(pipeline)
    }

    /// `$x :=`, `$x =`, and for `range` `$i, $x :=`.
    fn declarations(&mut self, context: &str) -> Parsed<(Vec<String>, bool)> {
        let (start, mut variables) = (self.next, Vec::new());
        while self.peek().kind == Kind::Variable {
            let variable = self.take();
            self.skip_space();
            let sign = self.peek();
            match sign.kind {
                Kind::Assign | Kind::Declare => {
                    self.take();
                    variables.push(variable.text.to_owned());
                    // As in Go, known from here on, whether declared or not.
                    self.variables.extend(variables.iter().cloned());
                    return Ok((variables, sign.kind == Kind::Assign));
                }
                Kind::Comma if context == "range" && variables.is_empty() => {
                    self.take();
                    variables.push(variable.text.to_owned());
                    self.skip_space();
                    if self.peek().kind != Kind::Variable {
                        return fail(self.peek().offset, "range can only initialize variables");
                    }
                }
                Kind::Comma => {
                    return fail(sign.offset, format!("too many declarations in {context}"));
                }
                _ if variables.is_empty() => {
                    self.next = start;
                    return Ok((variables, false));
                }
                _ => return self.unexpected(sign, context),
            }
        }
        Ok((variables, false))
    }

    /// Operands up to a pipe or the end of the pipeline.
    fn command(&mut self) -> Parsed<Command> {
        let mut operands = Vec::new();
        loop {
            self.skip_space();
            if let Some(operand) = self.operand()? {
                operands.push(operand);
            }
            let token = self.peek();
            match token.kind {
                Kind::Space => {}
                Kind::RightDelimiter | Kind::RightParen => break,
                Kind::Pipe => {
                    self.take();
                    break;
                }
                _ => return self.unexpected(token, "operand"),
            }
        }
        if operands.is_empty() {
            return fail(self.peek().offset, "empty command");
        }
        Ok(Command { operands })
    }

    fn operand(&mut self) -> Parsed<Option<Operand>> {
        let Some(mut operand) = self.term()? else {
            return Ok(None);
        };
        if self.peek().kind != Kind::Field {
            return Ok(Some(operand));
        }
        // Go places a chain at its first field.
        let offset = self.peek().offset;
        let mut fields = Vec::new();
        while self.peek().kind == Kind::Field {
            fields.push(self.take().text[1..].to_owned());
        }
        operand.kind = match operand.kind {
            OperandKind::Field(mut first) => {
                first.extend(fields);
                OperandKind::Field(first)
            }
            OperandKind::Variable { name, .. } => OperandKind::Variable { name, fields },
            kind @ (OperandKind::Function(_) | OperandKind::Pipeline(_)) => {
                let operand = Box::new(Operand {
                    offset: operand.offset,
                    kind,
                });
                OperandKind::Chain { operand, fields }
            }
            kind => {
                let operand = Operand { offset, kind };
                return fail(
                    offset,
                    format!("unexpected . after term {:?}", operand.to_string()),
                );
            }
        };
        operand.offset = offset;
        Ok(Some(operand))
    }

    fn term(&mut self) -> Parsed<Option<Operand>> {
        let token = self.peek();
        let kind = match token.kind {
            Kind::Identifier if (self.known)(token.text) => {
                OperandKind::Function(token.text.to_owned())
            }
            Kind::Identifier => {
                return fail(
                    token.offset,
                    format!("function {:?} not defined", token.text),
                );
            }
            Kind::Dot => OperandKind::Dot,
            Kind::Nil => OperandKind::Nil,
            Kind::Variable if self.variables.iter().any(|name| name == token.text) => {
                OperandKind::Variable {
                    name: token.text.to_owned(),
                    fields: Vec::new(),
                }
            }
            Kind::Variable => {
                return fail(token.offset, format!("undefined variable {:?}", token.text));
            }
            Kind::Field => OperandKind::Field(vec![token.text[1..].to_owned()]),
            Kind::Bool => OperandKind::Bool(token.text == "true"),
            Kind::Character | Kind::Number => OperandKind::Number(literal::number(token)?),
            Kind::String | Kind::RawString => OperandKind::String {
                value: literal::text(token)?.into(),
                written: token.text.to_owned(),
            },
            Kind::LeftParen => return self.parenthesized(token).map(Some),
            _ => return Ok(None),
        };
        self.take();
        Ok(Some(Operand {
            offset: token.offset,
            kind,
        }))
    }

    fn parenthesized(&mut self, opening: Token<'a>) -> Parsed<Operand> {
        self.take();
        let pipeline =
            self.deeper(|parser| parser.pipeline("parenthesized pipeline", Kind::RightParen))?;
        let offset = if pipeline.offset > opening.offset {
            pipeline.offset
        } else {
            opening.offset
        };
        Ok(Operand {
            offset,
            kind: OperandKind::Pipeline(Box::new(pipeline)),
        })
    }
}

/// A pipeline has a command, and all but its first take the value before them.
fn check(pipeline: &Pipeline, context: &str, at: Token<'_>) -> Result<(), Failure> {
    if pipeline.commands.is_empty() {
        return fail(at.offset, format!("missing value for {context}"));
    }
    for (index, command) in pipeline.commands.iter().enumerate().skip(1) {
        let first = &command.operands[0];
        let literal = matches!(
            first.kind,
            OperandKind::Dot
                | OperandKind::Nil
                | OperandKind::Bool(_)
                | OperandKind::Number(_)
                | OperandKind::String { .. }
        );
        if literal {
            return fail(
                first.offset,
                format!("non executable command in pipeline stage {}", index + 1),
            );
        }
    }
    Ok(())
}
