//! Trees to text.

mod builtin; // Go's own functions
mod call; // functions, methods and their arguments
mod compare; // eq, lt and their like
mod escape; // html, js
mod evaluate; // pipelines, commands, fields
mod items; // index, slice, len
mod range; // loops

pub(crate) use builtin::Builtin;

use crate::error::{Error, Place};
use crate::functions::Functions;
use crate::limits::Limits;
use crate::print::show_action;
use crate::templates::{MissingKey, Templates};
use crate::tree::{Branch, Node, Operand, Pipeline, Tree, show_template};
use crate::value::Value;

/// Executes a named template of the set on some data.
pub(crate) fn execute(
    templates: &Templates,
    tree: &Tree,
    data: &Value,
    functions: &dyn Functions,
    limits: &Limits,
) -> Result<String, Error> {
    let mut run = Run {
        templates,
        functions,
        limits,
        missing_key: templates.missing_key(),
        tree,
        at: At::Start,
        variables: vec![("$", data.clone())],
        out: String::new(),
        steps: 0,
        depth: 0,
    };
    match run.nodes(&tree.body, data) {
        Ok(_) => Ok(run.out),
        Err(stop) => Err(run.error(*stop)),
    }
}

struct Run<'a> {
    templates: &'a Templates,
    functions: &'a dyn Functions,
    limits: &'a Limits,
    missing_key: MissingKey,
    tree: &'a Tree,
    /// What is being evaluated, for error messages.
    at: At<'a>,
    /// Variables with their `$`, innermost last.
    variables: Vec<(&'a str, Value)>,
    out: String,
    steps: usize,
    depth: usize,
}

#[derive(Clone, Copy)]
enum At<'a> {
    Start,
    Pipeline(&'a Pipeline),
    Operand(&'a Operand),
    Command(&'a [Operand]),
    Template {
        offset: usize,
        name: &'a str,
        data: Option<&'a Pipeline>,
    },
}

/// Why execution stops.
enum Stop {
    Failed(String),
    Limit(String),
}

type Step<T> = Result<T, Box<Stop>>;

fn fail<T>(message: impl Into<String>) -> Step<T> {
    Err(Box::new(Stop::Failed(message.into())))
}

/// How a list of nodes ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Continue,
}

impl<'a> Run<'a> {
    fn nodes(&mut self, nodes: &'a [Node], dot: &Value) -> Step<Flow> {
        for node in nodes {
            let flow = self.node(node, dot)?;
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn node(&mut self, node: &'a Node, dot: &Value) -> Step<Flow> {
        match node {
            Node::Text(text) => self.write(text)?,
            Node::Action(pipeline) => {
                let value = self.pipeline(dot, pipeline)?;
                if pipeline.variables.is_empty() {
                    self.write(&show_action(&value))?;
                }
            }
            Node::If(branch) => return self.branch(branch, dot, false),
            Node::With(branch) => return self.branch(branch, dot, true),
            Node::Range(branch) => return self.range(branch, dot),
            Node::Template { offset, name, data } => {
                self.template(*offset, name, data.as_ref(), dot)?;
            }
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn write(&mut self, text: &str) -> Step<()> {
        if self.out.len() + text.len() > self.limits.output_bytes_max {
            return limit(format!(
                "the limit of {} bytes of output",
                self.limits.output_bytes_max
            ));
        }
        self.out.push_str(text);
        Ok(())
    }

    /// `if`, and `with` when the value becomes the dot.
    fn branch(&mut self, branch: &'a Branch, dot: &Value, moves_dot: bool) -> Step<Flow> {
        let scope = self.variables.len();
        let flow = self.deeper(|run| {
            let value = run.pipeline(dot, &branch.pipeline)?;
            if value.is_true() {
                run.nodes(&branch.body, if moves_dot { &value } else { dot })
            } else {
                run.nodes(branch.otherwise.as_deref().unwrap_or_default(), dot)
            }
        });
        self.variables.truncate(scope);
        flow
    }

    fn template(
        &mut self,
        offset: usize,
        name: &'a str,
        data: Option<&'a Pipeline>,
        dot: &Value,
    ) -> Step<()> {
        self.at = At::Template { offset, name, data };
        let Some(tree) = self.templates.tree(name) else {
            return fail(format!("template {name:?} not defined"));
        };
        let dot = match data {
            Some(data) => self.pipeline(dot, data)?,
            None => Value::Nil,
        };
        let variables = std::mem::replace(&mut self.variables, vec![("$", dot.clone())]);
        let caller = std::mem::replace(&mut self.tree, tree);
        self.deeper(|run| run.nodes(&tree.body, &dot))?;
        self.tree = caller;
        self.variables = variables;
        Ok(())
    }

    /// Goes one level down, so that neither nesting nor recursion can use up the stack.
    fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Step<T>) -> Step<T> {
        if self.depth >= self.limits.depth_max {
            return limit(format!("the limit of {} levels", self.limits.depth_max));
        }
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        result
    }

    fn step(&mut self) -> Step<()> {
        self.steps += 1;
        if self.steps > self.limits.steps_max {
            return limit(format!("the limit of {} steps", self.limits.steps_max));
        }
        Ok(())
    }

    /// The error for the caller, with the place at which execution stopped.
    fn error(&self, stop: Stop) -> Error {
        let message = match stop {
            Stop::Limit(limit) => {
                return Error::Limit {
                    template: self.tree.name.to_string(),
                    limit,
                };
            }
            Stop::Failed(message) => message,
        };
        let (offset, action) = match self.at {
            At::Start => (0, String::new()),
            At::Pipeline(pipeline) => (pipeline.offset, pipeline.to_string()),
            At::Operand(operand) => (operand.offset, operand.to_string()),
            At::Command(operands) => (operands[0].offset, crate::tree::show_operands(operands)),
            At::Template { offset, name, data } => (offset, show_template(name, data)),
        };
        Error::Execute {
            template: self.tree.source.name.clone(),
            place: Place::of(&self.tree.source.text, offset),
            running: self.tree.name.to_string(),
            action,
            message,
        }
    }
}

fn limit<T>(which: String) -> Step<T> {
    Err(Box::new(Stop::Limit(which)))
}
