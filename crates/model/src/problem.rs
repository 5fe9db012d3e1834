//! A mistake in a file, shown where it was written.

use std::fmt;
use std::path::{Path, PathBuf};

/// One mistake: where it stands, what is wrong, what would be right.
///
/// ```text
/// error: unknown key `scrape_intervall`
///   --> prometheus.yml:3:5
/// 3 |     scrape_intervall: 5s
///   |     ^^^^^^^^^^^^^^^^ did you mean `scrape_interval`?
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// Line and column, both from 1, when the place is known.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
    /// The line as it stands in the file.
    line: String,
    /// How many characters are marked.
    width: usize,
}

impl Problem {
    /// A mistake of a file as a whole, such as that it is missing.
    #[must_use]
    pub fn of_file(file: &Path, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            place: None,
            message: message.into(),
            help: None,
            line: String::new(),
            width: 0,
        }
    }

    /// A mistake at a line and column (from 1) of `text`, the file's content. The word that begins there is marked.
    #[must_use]
    pub fn at(file: &Path, text: &str, place: (usize, usize), message: impl Into<String>) -> Self {
        let line = text
            .lines()
            .nth(place.0.saturating_sub(1))
            .unwrap_or_default();
        let word = line.chars().skip(place.1.saturating_sub(1));
        let width = word
            .take_while(|&character| !character.is_whitespace() && !":,]}#".contains(character))
            .count();
        Self {
            place: Some(place),
            line: without_secrets(line),
            width: width.max(1),
            ..Self::of_file(file, message)
        }
    }

    /// The problem as a remark of a log, which says itself how grave it is: something that is no mistake, but will surprise.
    #[must_use]
    pub fn remark(&self) -> String {
        let shown = self.to_string();
        shown
            .strip_prefix(ERROR)
            .map_or(shown.clone(), str::to_owned)
    }

    /// Adds what would be right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// What a problem begins with.
const ERROR: &str = "error: ";

/// Words in the name of a key whose value nobody but its receiver may see.
const SECRET_KEYS: [&str; 7] = [
    "password",
    "secret",
    "token",
    "key",
    "credentials",
    "authorization",
    "url",
];

/// The line with `*` for each character of values that may be secret. A problem is shown in logs, by the API and on
/// the page, and the mistake may stand beside a password.
fn without_secrets(line: &str) -> String {
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(colon) = rest.find(':') {
        let (before, behind) = rest.split_at(colon + 1);
        let key = before[..colon]
            .rsplit(|c: char| !c.is_alphanumeric() && c != '_')
            .next()
            .unwrap_or_default();
        let key = key.to_ascii_lowercase();
        masked.push_str(before);
        rest = behind;
        // A key of YAML is followed by a blank or by the end of the line; a URL's colon is not.
        let is_key = behind.is_empty() || behind.starts_with(' ');
        let names_file = key.ends_with("_file");
        if is_key && !names_file && SECRET_KEYS.iter().any(|secret| key.contains(secret)) {
            let end = behind.find([',', '}', '#']).unwrap_or(behind.len());
            let (value, after) = behind.split_at(end);
            masked.extend(
                value
                    .chars()
                    .map(|c| if c.is_whitespace() { c } else { '*' }),
            );
            rest = after;
        }
    }
    masked.push_str(rest);
    without_passwords(&masked)
}

/// The line with `*` for each character of a password in `user:password@host`, under whatever key it stands.
fn without_passwords(line: &str) -> String {
    let words = line.split_inclusive([' ', '\t', '"', '\'']);
    let masked = words.map(|word| {
        let login = word.find("://").map_or(0, |scheme| scheme + 3);
        let password = word[login..].find(':').map(|colon| login + colon + 1);
        match (password, word.rfind('@')) {
            (Some(start), Some(end)) if start < end => {
                let hidden = "*".repeat(word[start..end].chars().count());
                format!("{}{hidden}{}", &word[..start], &word[end..])
            }
            _ => word.to_owned(),
        }
    });
    masked.collect()
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{ERROR}{}", self.message)?;
        let Some((line, column)) = self.place else {
            write!(f, "  --> {}", self.file.display())?;
            return self
                .help
                .as_ref()
                .map_or(Ok(()), |help| write!(f, "\n  help: {help}"));
        };
        let number = line.to_string();
        let gutter = " ".repeat(number.len());
        // Tabs keep their place under the line above.
        let before: String = self
            .line
            .chars()
            .take(column - 1)
            .map(|c| if c == '\t' { c } else { ' ' })
            .collect();
        writeln!(f, "{gutter} --> {}:{line}:{column}", self.file.display())?;
        writeln!(f, "{number} | {}", self.line)?;
        write!(f, "{gutter} | {before}{}", "^".repeat(self.width))?;
        self.help
            .as_ref()
            .map_or(Ok(()), |help| write!(f, " {help}"))
    }
}

impl std::error::Error for Problem {}

/// All mistakes of one configuration, so that nobody has to mend them one run at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// `value`, unless there are problems.
    ///
    /// # Errors
    /// The problems, if there is at least one.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }

    /// Takes the value out of a result and keeps the problem of a failed one.
    pub fn take<T>(&mut self, result: Result<T, impl Into<Self>>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(problems) => {
                self.0.extend(problems.into().0);
                None
            }
        }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n\n" };
            write!(f, "{gap}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// The candidate most like `word`, if any is alike enough to be what was meant.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate));
    scored
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_place() {
        let problem = Problem::at(
            Path::new("a.yml"),
            "x: 1\n  bad: 2\n",
            (2, 3),
            "unknown key `bad`",
        )
        .help("did you mean `bed`?");
        assert_eq!(
            problem.to_string(),
            "error: unknown key `bad`\n  --> a.yml:2:3\n2 |   bad: 2\n  |   ^^^ did you mean `bed`?"
        );
    }

    #[test]
    fn secrets_beside_a_mistake_are_hidden() {
        for (line, shown) in [
            (
                "basic_auth: {username: u, password: hunter2, pasword_file: y}",
                "basic_auth: {username: u, password: *******, pasword_file: y}",
            ),
            (
                "  - url: https://oapi.example/robot?access_token=abc",
                "  - url: *********************************************",
            ),
            ("scrape_interval: 5x", "scrape_interval: 5x"),
            ("password_file: /etc/p", "password_file: /etc/p"),
        ] {
            assert_eq!(without_secrets(line).len(), line.len());
            assert_eq!(
                without_secrets(line).trim_end_matches('*'),
                shown.trim_end_matches('*')
            );
            assert!(
                !without_secrets(line).contains("hunter2")
                    && !without_secrets(line).contains("abc")
            );
        }
    }

    #[test]
    fn a_remark_does_not_call_itself_an_error() {
        let problem = Problem::at(Path::new("a.yml"), "x: 1\n", (1, 1), "`x` has no effect");
        assert_eq!(
            problem.remark(),
            "`x` has no effect\n  --> a.yml:1:1\n1 | x: 1\n  | ^"
        );
    }

    #[test]
    fn hides_passwords_in_addresses() {
        for (line, shown) in [
            (
                "dsn: mysql://reader:hunter2@tcp(db:3306)/chat",
                "dsn: mysql://reader:*******@tcp(db:3306)/chat",
            ),
            (
                "- 'postgres://u:p@ss@db/x?a=b'",
                "- 'postgres://u:****@db/x?a=b'",
            ),
            ("dsn: reader@db:3306", "dsn: reader@db:3306"),
            ("to: a@b.example, at: 12:30", "to: a@b.example, at: 12:30"),
        ] {
            assert_eq!(without_secrets(line), shown);
        }
    }

    #[test]
    fn a_missing_file_has_no_place() {
        let problem = Problem::of_file(Path::new("a.yml"), "no such file").help("create it");
        assert_eq!(
            problem.to_string(),
            "error: no such file\n  --> a.yml\n  help: create it"
        );
    }

    #[test]
    fn finds_the_nearest_word() {
        let keys = ["scrape_interval", "scrape_timeout", "job_name"];
        assert_eq!(nearest("scrape_intervall", keys), Some("scrape_interval"));
        assert_eq!(nearest("jobname", keys), Some("job_name"));
        assert_eq!(nearest("zzz", keys), None);
    }
}
