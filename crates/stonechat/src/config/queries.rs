//! Files with queries against databases, read into one plan.

use std::collections::BTreeMap;
use std::path::PathBuf;

use stonechat_model::{Problem, Problems};
use stonechat_sql::config::Origin;
use stonechat_sql::plan::{Place, Plan};

/// What the files say together.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub(super) plan: Plan,
    pub(super) warnings: Vec<String>,
    pub(super) origins: Vec<Origin>,
}

/// Reads all files. A name stands for one thing, in whichever file it is.
pub(super) fn load(files: &[PathBuf]) -> Result<Loaded, Problems> {
    let (mut loaded, mut problems) = (Loaded::default(), Problems::default());
    let mut queries: BTreeMap<(String, String), Place> = BTreeMap::new();
    for file in files {
        let Some(one) = problems.take(stonechat_sql::config::load(file)) else {
            continue;
        };
        loaded.warnings.extend(one.warnings);
        loaded.origins.extend(one.origins);
        for (name, source) in one.plan.sources {
            match loaded.plan.sources.get(&name) {
                Some(first) => problems
                    .0
                    .push(twice("source", &name, &source.place, &first.place)),
                None => {
                    loaded.plan.sources.insert(name, source);
                }
            }
        }
        for query in one.plan.queries {
            let key = (query.name.clone(), query.source.name.clone());
            match queries.get(&key) {
                Some(first) => problems
                    .0
                    .push(twice("query", &query.name, &query.place, first)),
                None => {
                    queries.insert(key, query.place.clone());
                    loaded.plan.queries.push(query);
                }
            }
        }
    }
    problems.or(loaded)
}

fn twice(what: &str, name: &str, second: &Place, first: &Place) -> Problem {
    let (file, line) = (first.file.display(), first.line);
    let message = format!("line {}: the {what} `{name}` is there already", second.line);
    Problem::of_file(&second.file, message).help(format!("the first stands in {file}, line {line}"))
}
