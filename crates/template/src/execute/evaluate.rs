//! Pipelines, commands, fields.

use super::{At, Run, Step, fail};
use crate::templates::MissingKey;
use crate::time::call_duration;
use crate::tree::{Command, Number, Operand, OperandKind, Pipeline};
use crate::value::{Element, Value};

/// The arguments behind a function or method, and the value that comes through the pipe.
pub(super) struct Arguments<'a> {
    pub operands: &'a [Operand],
    pub piped: Option<Value>,
}

impl Arguments<'_> {
    const NONE: Self = Self {
        operands: &[],
        piped: None,
    };

    fn is_empty(&self) -> bool {
        self.operands.is_empty() && self.piped.is_none()
    }
}

impl<'a> Run<'a> {
    /// The value of a pipeline; its variables are set.
    pub(super) fn pipeline(&mut self, dot: &Value, pipeline: &'a Pipeline) -> Step<Value> {
        self.at = At::Pipeline(pipeline);
        let value = self.deeper(|run| {
            let mut piped = None;
            for command in &pipeline.commands {
                piped = Some(run.command(dot, command, piped)?);
            }
            Ok(piped.unwrap_or_default())
        })?;
        for name in &pipeline.variables {
            if pipeline.assigns {
                self.assign(name, value.clone())?;
            } else {
                self.variables.push((name, value.clone()));
            }
        }
        Ok(value)
    }

    pub(super) fn assign(&mut self, name: &str, value: Value) -> Step<()> {
        match self
            .variables
            .iter_mut()
            .rev()
            .find(|(candidate, _)| *candidate == name)
        {
            Some((_, slot)) => {
                *slot = value;
                Ok(())
            }
            None => fail(format!("undefined variable: {name}")),
        }
    }

    fn command(&mut self, dot: &Value, command: &'a Command, piped: Option<Value>) -> Step<Value> {
        self.step()?;
        let (first, operands) = (&command.operands[0], &command.operands[1..]);
        let arguments = Arguments { operands, piped };
        self.at = At::Operand(first);
        match &first.kind {
            OperandKind::Function(name) => self.function(dot, name, &command.operands, arguments),
            OperandKind::Field(fields) => self.fields(dot, dot.clone(), fields, arguments),
            OperandKind::Variable { name, fields } => {
                let value = self.variable(name)?;
                if fields.is_empty() {
                    not_a_function(first, &arguments)?;
                    return Ok(value);
                }
                self.fields(dot, value, fields, arguments)
            }
            OperandKind::Chain { operand, fields } => {
                let value = self.operand(dot, operand)?;
                self.fields(dot, value, fields, arguments)
            }
            _ => {
                not_a_function(first, &arguments)?;
                if matches!(first.kind, OperandKind::Nil) {
                    return fail("nil is not a command");
                }
                self.operand(dot, first)
            }
        }
    }

    /// The value of an operand that stands alone.
    pub(super) fn operand(&mut self, dot: &Value, operand: &'a Operand) -> Step<Value> {
        self.at = At::Operand(operand);
        Ok(match &operand.kind {
            OperandKind::Dot => dot.clone(),
            OperandKind::Nil => Value::Nil,
            OperandKind::Bool(value) => Value::Bool(*value),
            OperandKind::Number(number) => constant(number),
            OperandKind::String { value, .. } => Value::String(value.clone()),
            OperandKind::Pipeline(pipeline) => return self.pipeline(dot, pipeline),
            OperandKind::Function(name) => {
                return self.function(dot, name, std::slice::from_ref(operand), Arguments::NONE);
            }
            OperandKind::Field(fields) => {
                return self.fields(dot, dot.clone(), fields, Arguments::NONE);
            }
            OperandKind::Variable { name, fields } => {
                let value = self.variable(name)?;
                return self.fields(dot, value, fields, Arguments::NONE);
            }
            OperandKind::Chain { operand, fields } => {
                let value = self.operand(dot, operand)?;
                return self.fields(dot, value, fields, Arguments::NONE);
            }
        })
    }

    fn variable(&self, name: &str) -> Step<Value> {
        match self
            .variables
            .iter()
            .rev()
            .find(|(candidate, _)| *candidate == name)
        {
            Some((_, value)) => Ok(value.clone()),
            None => fail(format!("undefined variable: {name}")),
        }
    }

    /// A chain of fields, of which the last may be a method with arguments.
    fn fields(
        &mut self,
        dot: &Value,
        mut value: Value,
        fields: &[String],
        arguments: Arguments<'a>,
    ) -> Step<Value> {
        let Some((last, path)) = fields.split_last() else {
            return Ok(value);
        };
        for name in path {
            value = self.field(dot, &value, name, Arguments::NONE)?;
        }
        self.field(dot, &value, last, arguments)
    }

    fn field(
        &mut self,
        dot: &Value,
        receiver: &Value,
        name: &str,
        arguments: Arguments<'a>,
    ) -> Step<Value> {
        let has_arguments = !arguments.is_empty();
        if let Some(result) = self.method(dot, receiver, name, arguments)? {
            return Ok(result);
        }
        if let Value::Object(object) = receiver
            && let Some(value) = object.field(name)
        {
            if has_arguments {
                return fail(format!(
                    "{name} has arguments but cannot be invoked as function"
                ));
            }
            return Ok(value);
        }
        let plain = receiver.underlying();
        let (found, element) = match &plain {
            Value::Nil if self.missing_key == MissingKey::Error => {
                return fail(format!("nil data; no entry for key {name:?}"));
            }
            Value::Nil => return Ok(Value::Nil),
            Value::Map(map) => (map.entries.get(name).cloned(), map.element),
            Value::Labels(labels) => (labels.get(name).map(Value::from), Element::String),
            _ => {
                return fail(format!(
                    "can't evaluate field {name} in type {}",
                    receiver.type_name()
                ));
            }
        };
        if has_arguments {
            return fail(format!("{name} is not a method but has arguments"));
        }
        match (found, self.missing_key) {
            (Some(value), _) => Ok(value),
            (None, MissingKey::Nothing) => Ok(Value::Nil),
            (None, MissingKey::Zero) => Ok(element.zero()),
            (None, MissingKey::Error) => fail(format!("map has no entry for key {name:?}")),
        }
    }

    /// The result of a method, if the value has it.
    fn method(
        &mut self,
        dot: &Value,
        receiver: &Value,
        name: &str,
        arguments: Arguments<'a>,
    ) -> Step<Option<Value>> {
        if !matches!(
            receiver,
            Value::Object(_) | Value::Time(_) | Value::Duration(_)
        ) {
            return Ok(None);
        }
        let at = self.at;
        let arguments = self.untyped(dot, arguments)?;
        self.at = at;
        let result = match receiver {
            Value::Object(object) => object.call(name, &arguments),
            Value::Time(time) => time.call(name, &arguments),
            Value::Duration(nanoseconds) => call_duration(*nanoseconds, name, &arguments),
            _ => None,
        };
        match result {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value)),
            Some(Err(error)) => fail(format!("error calling {name}: {error}")),
        }
    }
}

fn not_a_function(operand: &Operand, arguments: &Arguments<'_>) -> Step<()> {
    if arguments.is_empty() {
        Ok(())
    } else {
        fail(format!("can't give argument to non-function {operand}"))
    }
}

/// A number that nothing gives a type to.
pub(super) fn constant(number: &Number) -> Value {
    match (number.is_float, number.int, number.float) {
        (false, Some(int), _) => Value::Int(int),
        (_, _, Some(float)) => Value::Float(float),
        (_, Some(int), None) => Value::Int(int),
        (_, None, None) => Value::Nil,
    }
}
