//! Loops.

use super::{Flow, Run, Step, fail};
use crate::print::show;
use crate::tree::Branch;
use crate::value::Value;

impl<'a> Run<'a> {
    pub(super) fn range(&mut self, branch: &'a Branch, dot: &Value) -> Step<Flow> {
        let scope = self.variables.len();
        let flow = self.deeper(|run| {
            let value = run.pipeline(dot, &branch.pipeline)?;
            let looped = run.each(branch, &value)?;
            if looped {
                return Ok(Flow::On);
            }
            run.nodes(branch.otherwise.as_deref().unwrap_or_default(), dot)
        });
        self.variables.truncate(scope);
        flow
    }

    /// Runs the body for each item; false when there is none.
    fn each(&mut self, branch: &'a Branch, value: &Value) -> Step<bool> {
        match value.underlying() {
            Value::Nil => Ok(false),
            Value::List(list) => {
                let items = (0_i64..).map(Value::Int).zip(list.items.iter().cloned());
                self.iterate(branch, items)
            }
            Value::Map(map) => {
                let items = map
                    .entries
                    .iter()
                    .map(|(key, item)| (Value::String(key.clone()), item.clone()));
                self.iterate(branch, items)
            }
            Value::Labels(labels) => self.iterate(
                branch,
                labels
                    .iter()
                    .map(|(name, value)| (name.into(), value.into())),
            ),
            Value::Int(_) | Value::Duration(_) if branch.pipeline.variables.len() > 1 => {
                fail(format!(
                    "can't use {} to iterate over more than one variable",
                    show(value)
                ))
            }
            Value::Int(count) | Value::Duration(count) => self.iterate(
                branch,
                (0..count).map(|number| (Value::Int(number), Value::Int(number))),
            ),
            _ => fail(format!("range can't iterate over {}", show(value))),
        }
    }

    fn iterate(
        &mut self,
        branch: &'a Branch,
        items: impl Iterator<Item = (Value, Value)>,
    ) -> Step<bool> {
        let scope = self.variables.len();
        let mut looped = false;
        for (key, item) in items {
            looped = true;
            self.step()?;
            self.bind(branch, key, &item)?;
            let flow = self.nodes(&branch.body, &item)?;
            self.variables.truncate(scope);
            if flow == Flow::Break {
                break;
            }
        }
        Ok(looped)
    }

    /// Gives the loop's variables their values: one variable is the item, two are key and item.
    fn bind(&mut self, branch: &'a Branch, key: Value, item: &Value) -> Step<()> {
        let names = &branch.pipeline.variables;
        let values = match names.len() {
            0 => return Ok(()),
            1 => vec![item.clone()],
            _ => vec![key, item.clone()],
        };
        for (name, value) in names.iter().zip(values) {
            // Declared ones stand on top of the stack since the pipeline was evaluated.
            self.assign(name, value)?;
        }
        Ok(())
    }
}
