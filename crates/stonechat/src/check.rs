//! `stonechat check`: whether every file of a folder is right.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use stonechat_model::{Problem, yaml};

use crate::config::inspect::Kind;

/// Check files: configurations of Prometheus and Alertmanager, rules, queries against databases, dashboards.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "What a file is, is told by the keys at its top; others are left alone. Files that a file names are read with it.\n\
    Exit status: 0 when all are right, 1 when one is wrong.\n\n\
    Examples:\n  \
    stonechat check monitoring\n  \
    stonechat check prometheus.yml rules/*.yml\n\n\
    See also: stonechat rules test, stonechat rules lint."
)]
pub(crate) struct CheckArgs {
    /// Files, or folders with everything below them.
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Name only files that are wrong or that something is remarked of.
    #[arg(long, short)]
    quiet: bool,
}

/// How deep folders are looked into.
const DEPTH_MAX: usize = 16;

/// A file larger than this is no configuration.
const BYTES_MAX: u64 = 16 << 20;

/// What is known of all files so far.
#[derive(Default)]
struct Report {
    /// What each file is; nothing for one that only another has named.
    summaries: BTreeMap<PathBuf, String>,
    /// By the file in which they are. One that several files name is wrong once.
    problems: BTreeMap<PathBuf, Vec<Problem>>,
    warnings: BTreeMap<PathBuf, Vec<String>>,
    /// Files that are nothing that we know.
    others: usize,
}

/// Checks, says what is what, and fails when a file is wrong.
pub(crate) fn run(args: &CheckArgs) -> Result<()> {
    let mut report = Report::default();
    for path in &args.paths {
        if path.is_dir() {
            let mut files = Vec::new();
            find(path, DEPTH_MAX, &mut files)?;
            files.sort();
            files.iter().for_each(|file| report.look(file));
        } else {
            let before = report.others;
            report.look(path);
            if report.others > before {
                bail!(
                    "{}: what this is cannot be told from the keys at its top",
                    path.display()
                );
            }
        }
    }
    report.print(args.quiet);
    let wrong = report.problems.len();
    let right = report.files().len() - wrong;
    let others = match report.others {
        0 => String::new(),
        others => format!("; {others} others were left alone"),
    };
    if wrong > 0 {
        bail!("{wrong} wrong, {right} right{others}");
    }
    if right == 0 {
        bail!("there is nothing to check{others}");
    }
    println!("all {right} right{others}");
    Ok(())
}

impl Report {
    fn look(&mut self, file: &Path) {
        let too_large = std::fs::metadata(file).is_ok_and(|file| file.len() > BYTES_MAX);
        let text = match yaml::read_text(file) {
            _ if too_large => return self.others += 1,
            Ok(text) => text,
            Err(problem) => return self.wrong(problem),
        };
        match Kind::of(file, &text).inspect(file) {
            Ok(Some(inspected)) => {
                self.summaries.insert(file.to_owned(), inspected.summary);
                if !inspected.warnings.is_empty() {
                    self.warnings.insert(file.to_owned(), inspected.warnings);
                }
            }
            Ok(None) => self.others += 1,
            Err(problems) => {
                self.summaries.entry(file.to_owned()).or_default();
                problems
                    .0
                    .into_iter()
                    .for_each(|problem| self.wrong(problem));
            }
        }
    }

    fn wrong(&mut self, problem: Problem) {
        // The same file may be named in several ways.
        let known = self.problems.values().flatten();
        let same = |one: &Problem| {
            (one.place, &one.message) == (problem.place, &problem.message)
                && same_file(&one.file, &problem.file)
        };
        if !known.into_iter().any(same) {
            let file = problem.file.clone();
            self.problems.entry(file).or_default().push(problem);
        }
    }

    fn files(&self) -> BTreeSet<&PathBuf> {
        self.summaries.keys().chain(self.problems.keys()).collect()
    }

    fn print(&self, quiet: bool) {
        let files = self.files();
        let width = files.iter().map(|file| file.display().to_string().len());
        let width = width.max().unwrap_or(0);
        let mark = Mark::of_terminal();
        for file in files {
            let problems = self.problems.get(file).map_or(&[][..], Vec::as_slice);
            let warnings = self.warnings.get(file).map_or(&[][..], Vec::as_slice);
            let summary = match self.summaries.get(file).map(String::as_str) {
                None | Some("") => "a file that it names is wrong",
                Some(summary) => summary,
            };
            if !problems.is_empty() {
                println!("{} {}", mark.wrong, file.display());
            } else if !quiet || !warnings.is_empty() {
                println!("{} {:width$}  {summary}", mark.right, file.display());
            }
            for warning in warnings {
                println!("{}", indented(&format!("warning: {warning}")));
            }
            for problem in problems {
                println!("{}", indented(&problem.to_string()));
            }
        }
    }
}

/// How files are marked.
struct Mark {
    right: &'static str,
    wrong: &'static str,
}

impl Mark {
    /// In colour where a person looks.
    fn of_terminal() -> Self {
        if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
            Self {
                right: "\x1b[32mright\x1b[0m",
                wrong: "\x1b[31mwrong\x1b[0m",
            }
        } else {
            Self {
                right: "right",
                wrong: "wrong",
            }
        }
    }
}

fn indented(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("      {line}")).collect();
    lines.join("\n")
}

fn same_file(one: &Path, other: &Path) -> bool {
    one == other
        || one
            .canonicalize()
            .is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

/// Adds the files below a folder. Hidden ones and links to folders are left out.
fn find(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<()> {
    let entries = std::fs::read_dir(folder)
        .map_err(|error| anyhow::anyhow!("{} cannot be read: {error}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.file_type()?.is_dir() {
            if depth > 0 {
                find(&path, depth - 1, found)?;
            }
        } else if path.is_file() && may_be_ours(&path) {
            found.push(path);
        }
    }
    Ok(())
}

/// Whether the name is one that files of ours have.
fn may_be_ours(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    matches!(ending, Some("yml" | "yaml" | "rules" | "json"))
}
