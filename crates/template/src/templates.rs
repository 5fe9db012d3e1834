//! Named templates that may call one another.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::Error;
use crate::execute::{self, Builtin};
use crate::functions::Functions;
use crate::limits::Limits;
use crate::parse::{self, is_blank};
use crate::tree::Tree;
use crate::value::Value;

/// What a key that a map does not have gives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MissingKey {
    /// Nothing, which prints as `<no value>` (Go's default).
    #[default]
    Nothing,
    /// The zero value of the map's type: for texts the empty text. Prometheus and Alertmanager choose this.
    Zero,
    /// The template fails.
    Error,
}

/// A set of named templates. Cloning copies pointers, so a notification may add its own text to a shared set.
#[derive(Debug, Clone, Default)]
pub struct Templates {
    trees: HashMap<Arc<str>, Arc<Tree>>,
    missing_key: MissingKey,
}

impl Templates {
    /// An empty set.
    #[must_use]
    pub fn new(missing_key: MissingKey) -> Self {
        Self {
            trees: HashMap::new(),
            missing_key,
        }
    }

    /// Reads a text under a name, with every template that it defines. A name that is known already gets the new
    /// text, unless that prints nothing. `known` tells which functions there will be, beside Go's own.
    ///
    /// # Errors
    /// When the text is no template; the set is then as it was.
    pub fn add(
        &mut self,
        name: &str,
        text: &str,
        known: impl Fn(&str) -> bool,
    ) -> Result<(), Error> {
        let known = |function: &str| Builtin::named(function).is_some() || known(function);
        for tree in parse::parse(name, text, &known)? {
            if !self.trees.contains_key(&tree.name) || !is_blank(&tree.body) {
                self.trees.insert(Arc::clone(&tree.name), Arc::new(tree));
            }
        }
        Ok(())
    }

    /// Executes a template of the set on `data`, its dot.
    ///
    /// # Errors
    /// When there is no such template, when it does not fit the data, a function fails, or a limit is reached.
    pub fn execute(
        &self,
        name: &str,
        data: &Value,
        functions: &dyn Functions,
        limits: &Limits,
    ) -> Result<String, Error> {
        let Some(tree) = self.tree(name) else {
            return Err(Error::Unknown(name.to_owned()));
        };
        execute::execute(self, tree, data, functions, limits)
    }

    /// The names in the set, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.trees.keys().map(|name| &**name)
    }

    pub(crate) fn tree(&self, name: &str) -> Option<&Tree> {
        self.trees.get(name).map(|tree| &**tree)
    }

    pub(crate) fn missing_key(&self) -> MissingKey {
        self.missing_key
    }
}
