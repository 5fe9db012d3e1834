//! Child processes: run them, read the test counts they print, stop them.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::root;

/// How long a child may take to end after it was asked to.
const STOP_LIMIT: Duration = Duration::from_secs(45);

/// A command in the workspace's root.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// Cargo itself, the one that runs this program. It gets nothing of what that one said of this package: some build scripts look at it,
/// and then half of the dependencies would be built anew each time after somebody called cargo by hand.
pub fn cargo() -> Command {
    let mut command = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command
}

/// Says what runs, runs it, and fails when it fails.
pub fn run(command: &mut Command) -> Result<()> {
    say(command);
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// The standard output of a quiet command.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    if !output.status.success() {
        bail!("{} ended with {}", shown(command), output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("{} printed no text", shown(command)))
}

/// Tests that ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Tests that passed.
    pub passed: u32,
    /// Tests that failed.
    pub failed: u32,
    /// Tests that were left out.
    pub skipped: u32,
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// Runs a test runner, shows what it prints, and reads its closing lines. A runner that fails without
/// having named a failed test counts as one failure.
pub fn run_tests(command: &mut Command) -> Result<Count> {
    say(command);
    // One pipe for both streams keeps their order; nextest writes to standard error, libtest to standard output.
    let (reader, writer) = std::io::pipe()?;
    // Colours would hide the counts.
    command
        .env("NO_COLOR", "1")
        .stdout(writer.try_clone()?)
        .stderr(writer);
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    // The command holds the pipe's other end; replacing it lets the reader see the end of the output.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut count = Count::default();
    for line in BufReader::new(reader).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        if let Some(part) = read_count(&line) {
            count += part;
        }
    }
    let succeeded = child.wait()?.success();
    if count.failed == 0 && (!succeeded || count.passed == 0) {
        // It failed before or after its tests, or ran none, which is a failure too.
        count.failed = 1;
    }
    Ok(count)
}

/// The counts in a closing line of nextest, libtest, vitest, node's runner, or ours.
fn read_count(line: &str) -> Option<Count> {
    // Indented, it is what nextest repeats of one test that failed, perhaps only at its first attempt.
    let libtest = line.starts_with("test result:");
    let line = line.trim().trim_start_matches(['#', 'ℹ', ' ']);
    let summary = line.contains("tests run:") || line.contains("test run:");
    let closing = libtest || line.ends_with(" failed") && line.contains(" passed, ");
    if let Some(number) = line.strip_prefix("pass ") {
        return Some(Count {
            passed: number.trim().parse().ok()?,
            ..Count::default()
        });
    }
    if let Some(number) = line.strip_prefix("fail ") {
        return Some(Count {
            failed: number.trim().parse().ok()?,
            ..Count::default()
        });
    }
    let vitest = line.starts_with("Tests  ");
    (summary || closing || vitest).then(|| Count {
        passed: before(line, " passed"),
        failed: before(line, " failed"),
        skipped: before(line, " skipped") + before(line, " ignored"),
    })
}

/// The number directly before a word, zero when it is not there.
fn before(line: &str, word: &str) -> u32 {
    let text = line
        .split(word)
        .next()
        .filter(|text| text.len() < line.len())
        .unwrap_or_default();
    let digits = text
        .rsplit(|character: char| !character.is_ascii_digit())
        .next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// A child that is killed when it goes out of scope.
pub struct Running(Child);

impl Running {
    /// Starts a command in the background.
    pub fn start(command: &mut Command) -> Result<Self> {
        Ok(Self(command.spawn().with_context(|| {
            format!("cannot start {}", shown(command))
        })?))
    }

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// True while the child runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    /// Waits until `ready` says yes, or the child ends, or the time is over.
    pub fn wait_until(
        &mut self,
        limit: Duration,
        what: &str,
        mut ready: impl FnMut() -> bool,
    ) -> Result<()> {
        let deadline = Instant::now() + limit;
        while !ready() {
            if !self.is_alive() {
                bail!("{what} ended before it was ready");
            }
            if Instant::now() > deadline {
                bail!("{what} was not ready after {} s", limit.as_secs());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Asks the child to stop, and waits for it.
    pub fn stop(mut self) -> Result<()> {
        let pid = self.0.id().to_string();
        run_quietly(Command::new("kill").args(["-TERM", &pid]));
        let deadline = Instant::now() + STOP_LIMIT;
        while self.is_alive() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(50));
        }
        if self.is_alive() {
            bail!(
                "process {pid} did not stop within {} s",
                STOP_LIMIT.as_secs()
            );
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails only when the child has already ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a command whose output and failure do not matter; true when it succeeded.
pub fn run_quietly(command: &mut Command) -> bool {
    let command = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn say(command: &Command) {
    eprintln!("\n\u{1b}[1m$ {}\u{1b}[0m", shown(command));
}

fn shown(command: &Command) -> String {
    let program = command.get_program().to_string_lossy().into_owned();
    let program = program.rsplit('/').next().unwrap_or_default().to_owned();
    let arguments = command
        .get_args()
        .map(|argument| argument.to_string_lossy().into_owned());
    std::iter::once(program)
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_closing_lines_of_test_runners() {
        for (line, passed, failed, skipped) in [
            (
                "     Summary [   0.171s] 21 tests run: 20 passed, 1 failed, 3 skipped",
                20,
                1,
                3,
            ),
            (
                "     Summary [   0.171s] 21 tests run: 21 passed (1 slow), 0 skipped",
                21,
                0,
                0,
            ),
            (
                "test result: ok. 4 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out",
                4,
                0,
                2,
            ),
            ("# pass 12", 12, 0, 0),
            ("ℹ fail 2", 0, 2, 0),
            ("9 passed, 1 failed", 9, 1, 0),
            (
                "      Tests  1 failed | 182 passed | 2 skipped (185)",
                182,
                1,
                2,
            ),
        ] {
            assert_eq!(
                read_count(line),
                Some(Count {
                    passed,
                    failed,
                    skipped
                }),
                "{line}"
            );
        }
        for line in [
            "PASS [ 0.01s] something passed, or so",
            "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 46 filtered out",
        ] {
            assert_eq!(read_count(line), None, "{line}");
        }
    }
}
