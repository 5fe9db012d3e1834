//! Functions and their arguments.

use super::builtin::Builtin;
use super::evaluate::{Arguments, constant};
use super::{At, Run, Step, fail, limit};
use crate::functions::{Parameter, Signature};
use crate::tree::{Operand, OperandKind};
use crate::value::Value;

impl<'a> Run<'a> {
    /// Calls a function; `command` is what errors show.
    pub(super) fn function(
        &mut self,
        dot: &Value,
        name: &str,
        command: &'a [Operand],
        arguments: Arguments<'a>,
    ) -> Step<Value> {
        let builtin = Builtin::named(name);
        let signature = match (self.functions.signature(name), builtin) {
            (Some(signature), _) => signature,
            (None, Some(builtin)) => builtin.signature(),
            (None, None) => return fail(format!("{name:?} is not a defined function")),
        };
        check_count(name, signature, &arguments)?;
        if let Some(builtin @ (Builtin::And | Builtin::Or)) = builtin {
            return self.short_circuit(dot, builtin == Builtin::Or, arguments);
        }
        let arguments = self.typed(dot, signature, arguments)?;
        let result = match (self.functions.signature(name), builtin) {
            (None, Some(builtin)) => builtin.call(&arguments),
            _ => self.functions.call(name, &arguments),
        };
        match result {
            Ok(value) => self.checked(value),
            Err(error) => {
                self.at = At::Command(command);
                fail(format!("error calling {name}: {error}"))
            }
        }
    }

    /// A text longer than all output may be is refused here, before a loop doubles it.
    fn checked(&self, value: Value) -> Step<Value> {
        if value
            .as_str()
            .is_some_and(|text| text.len() > self.limits.output_bytes_max)
        {
            return limit(format!(
                "the limit of {} bytes of output",
                self.limits.output_bytes_max
            ));
        }
        Ok(value)
    }

    /// `and` and `or` evaluate no further than they need.
    fn short_circuit(
        &mut self,
        dot: &Value,
        stop_at: bool,
        arguments: Arguments<'a>,
    ) -> Step<Value> {
        let mut last = Value::Nil;
        for operand in arguments.operands {
            last = self.operand(dot, operand)?;
            if last.is_true() == stop_at {
                return Ok(last);
            }
        }
        Ok(arguments.piped.unwrap_or(last))
    }

    /// Arguments of any type.
    pub(super) fn untyped(&mut self, dot: &Value, arguments: Arguments<'a>) -> Step<Vec<Value>> {
        self.typed(dot, Signature::any_number(Parameter::Any), arguments)
    }

    fn typed(
        &mut self,
        dot: &Value,
        signature: Signature,
        arguments: Arguments<'a>,
    ) -> Step<Vec<Value>> {
        let mut values = Vec::with_capacity(arguments.operands.len() + 1);
        let parameter = |index: usize| {
            signature
                .required
                .get(index)
                .copied()
                .or(signature.rest)
                .unwrap_or(Parameter::Any)
        };
        for (index, operand) in arguments.operands.iter().enumerate() {
            values.push(self.argument(dot, operand, parameter(index))?);
        }
        if let Some(piped) = arguments.piped {
            values.push(fitting(piped, parameter(values.len()))?);
        }
        Ok(values)
    }

    fn argument(&mut self, dot: &Value, operand: &'a Operand, parameter: Parameter) -> Step<Value> {
        self.at = At::Operand(operand);
        match (&operand.kind, parameter) {
            (OperandKind::Number(number), Parameter::Float) => match number.float {
                Some(float) => Ok(Value::Float(float)),
                None => fail(format!("expected float; found {operand}")),
            },
            (OperandKind::Number(number), Parameter::Int) => match number.int {
                Some(int) => Ok(Value::Int(int)),
                None => fail(format!("expected integer; found {operand}")),
            },
            (OperandKind::Number(number), Parameter::Any) => Ok(constant(number)),
            (OperandKind::Number(_) | OperandKind::Bool(_) | OperandKind::String { .. }, other) => {
                let value = self.operand(dot, operand)?;
                if other.takes(&value) {
                    Ok(value)
                } else {
                    fail(literal_mismatch(operand, other))
                }
            }
            (OperandKind::Nil, Parameter::Any) => Ok(Value::Nil),
            (OperandKind::Nil, other) => {
                fail(format!("cannot assign nil to {}", other.type_name()))
            }
            _ => {
                let value = self.operand(dot, operand)?;
                fitting(value, parameter)
            }
        }
    }
}

fn literal_mismatch(operand: &Operand, parameter: Parameter) -> String {
    let wanted = match parameter {
        Parameter::String => "string",
        Parameter::Int => "integer",
        Parameter::Float => "float",
        Parameter::Bool => "bool",
        other => {
            return format!(
                "can't handle {operand} for arg of type {}",
                other.type_name()
            );
        }
    };
    format!("expected {wanted}; found {operand}")
}

/// The value, if it may be given for the parameter.
fn fitting(value: Value, parameter: Parameter) -> Step<Value> {
    if parameter.takes(&value) {
        return Ok(value);
    }
    // A named text type is as good as a text.
    if let (Value::Object(object), Parameter::String) = (&value, parameter)
        && let Some(plain @ Value::String(_)) = object.plain()
    {
        return Ok(plain);
    }
    let expected = parameter.type_name();
    match value {
        Value::Nil => fail(format!("invalid value; expected {expected}")),
        other => fail(format!(
            "wrong type for value; expected {expected}; got {}",
            other.type_name()
        )),
    }
}

fn check_count(name: &str, signature: Signature, arguments: &Arguments<'_>) -> Step<()> {
    let given = arguments.operands.len() + usize::from(arguments.piped.is_some());
    let wanted = signature.required.len();
    if signature.rest.is_some() {
        if given < wanted {
            return fail(format!(
                "wrong number of args for {name}: want at least {wanted} got {given}"
            ));
        }
    } else if given != wanted {
        return fail(format!(
            "wrong number of args for {name}: want {wanted} got {given}"
        ));
    }
    Ok(())
}
