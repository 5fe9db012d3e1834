//! `stonechat tsdb export`: samples out.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use stonechat_blocks::BlockWriter;
use stonechat_model::{
    Columns, Labels, METRIC_NAME, Matcher, Queryable, TimeRange, Timestamp, duration, format_float,
    is_legacy_label_name, is_stale,
};
use stonechat_remote::RequestWriter;
use stonechat_tsdb::Store;

use super::progress::Progress;
use super::window::windows;
use super::{Format, moment, selector};

/// Samples in a request of remote write, as Prometheus sends them.
const REQUEST_SAMPLES: usize = 2000;

#[derive(Debug, clap::Args)]
pub(super) struct ExportArgs {
    /// A folder for blocks, a file for the others. It must not exist yet, unless it is a folder.
    to: PathBuf,
    /// What to write.
    #[arg(long, value_enum, default_value = "prometheus")]
    format: Format,
    /// Only these series, such as 'up{job="chat"}'; may be given several times.
    #[arg(long = "match", value_name = "SELECTOR", value_parser = SelectorParser)]
    matchers: Vec<Selector>,
    /// From this moment on: RFC 3339, or seconds since 1970.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    start: Option<Timestamp>,
    /// Up to this moment.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    end: Option<Timestamp>,
    /// How much time a block holds.
    #[arg(long, value_name = "DURATION", default_value = "2h", value_parser = duration::parse)]
    block_duration: Duration,
}

/// The conditions of one selector.
#[derive(Debug, Clone)]
struct Selector(Vec<Matcher>);

#[derive(Debug, Clone)]
struct SelectorParser;

impl clap::builder::TypedValueParser for SelectorParser {
    type Value = Selector;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Selector, clap::Error> {
        let parse = |text: &str| selector(text).map(Selector);
        clap::builder::TypedValueParser::parse_ref(&parse, command, arg, value)
    }
}

pub(super) fn run(store: &Store, args: &ExportArgs) -> Result<()> {
    let Some(all) = store.range() else {
        println!("there are no samples");
        return Ok(());
    };
    let range = TimeRange {
        start: args.start.unwrap_or(all.start).max(all.start),
        end: args.end.unwrap_or(all.end).min(all.end),
    };
    let windows = windows(range, args.block_duration);
    let mut progress = Progress::new("exporting", windows.len() as u64);
    let mut out = Out::begin(args)?;
    let mut samples = 0;
    for window in windows {
        out.window()?;
        // Series that several selectors mean come once.
        let sets: Vec<Vec<Matcher>> = args.matchers.iter().map(|one| one.0.clone()).collect();
        for (labels, columns) in selected(store, &sets, window)? {
            samples += columns.len();
            out.add(&labels, &columns)?;
        }
        progress.step();
    }
    let told = out.finish()?;
    drop(progress);
    println!("{samples} samples in {}{told}", args.to.display());
    Ok(())
}

/// Series with samples in a window, in the order of their labels.
fn selected(
    store: &Store,
    sets: &[Vec<Matcher>],
    window: TimeRange,
) -> Result<Vec<(Labels, Columns)>> {
    let everything = [Vec::new()];
    let sets = if sets.is_empty() {
        &everything[..]
    } else {
        sets
    };
    let mut found = std::collections::BTreeMap::new();
    for matchers in sets {
        let selection = store.select(matchers, window)?;
        for index in 0..selection.len() {
            let mut columns = Columns::default();
            selection.read(index, &mut columns)?;
            if !columns.is_empty() {
                found.insert(selection.labels(index).clone(), columns);
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// Where samples go.
enum Out {
    Blocks {
        folder: PathBuf,
        block: Option<Box<BlockWriter>>,
        count: usize,
    },
    Text {
        file: BufWriter<File>,
        left_out: usize,
    },
    Requests {
        file: BufWriter<File>,
        request: RequestWriter,
    },
}

impl Out {
    fn begin(args: &ExportArgs) -> Result<Self> {
        let file = || {
            let file = File::create_new(&args.to);
            let file = file.with_context(|| format!("{} cannot be made", args.to.display()));
            file.map(BufWriter::new)
        };
        Ok(match args.format {
            Format::Prometheus => Self::Blocks {
                folder: args.to.clone(),
                block: None,
                count: 0,
            },
            Format::Openmetrics => Self::Text {
                file: file()?,
                left_out: 0,
            },
            Format::RemoteWrite => Self::Requests {
                file: file()?,
                request: RequestWriter::default(),
            },
        })
    }

    /// Another range of time begins.
    fn window(&mut self) -> Result<()> {
        if let Self::Blocks {
            folder,
            block,
            count,
        } = self
        {
            if let Some(block) = block.take() {
                *count += usize::from(block.finish()?.is_some());
            }
            let now = u64::try_from(Timestamp::now().millis()).unwrap_or_default();
            *block = Some(Box::new(BlockWriter::create(folder, now, random())?));
        }
        Ok(())
    }

    fn add(&mut self, labels: &Labels, columns: &Columns) -> Result<()> {
        match self {
            Self::Blocks { block, .. } => {
                if let Some(block) = block {
                    block.add(labels, columns)?;
                }
            }
            Self::Text { file, left_out } => {
                *left_out += columns.histograms.len();
                for (at, value) in columns.timestamps.iter().zip(&columns.values) {
                    if is_stale(*value) {
                        *left_out += 1;
                    } else {
                        write_line(file, labels, (*at, *value))?;
                    }
                }
            }
            Self::Requests { file, request } => {
                request.add(labels, columns);
                if request.samples() >= REQUEST_SAMPLES {
                    write_request(file, request)?;
                }
            }
        }
        Ok(())
    }

    /// Ends everything, and tells what people should know.
    fn finish(self) -> Result<String> {
        match self {
            Self::Blocks {
                block, mut count, ..
            } => {
                if let Some(block) = block {
                    count += usize::from(block.finish()?.is_some());
                }
                Ok(format!(": {count} blocks"))
            }
            Self::Text { mut file, left_out } => {
                file.write_all(b"# EOF\n")?;
                file.into_inner()?.sync_all()?;
                Ok(match left_out {
                    0 => String::new(),
                    _ => format!(
                        "; {left_out} histograms and ends of series have no place in this format"
                    ),
                })
            }
            Self::Requests {
                mut file,
                mut request,
            } => {
                write_request(&mut file, &mut request)?;
                file.into_inner()?.sync_all()?;
                Ok(String::new())
            }
        }
    }
}

/// 64 bits of chance from the system, twice.
fn random() -> u128 {
    use std::hash::{BuildHasher, RandomState};
    let half = || u128::from(RandomState::new().hash_one(0_u8));
    half() << 64 | half()
}

fn write_request(file: &mut impl Write, request: &mut RequestWriter) -> Result<()> {
    let Some(body) = request.take() else {
        return Ok(());
    };
    let (mut length, mut head) = (body.len(), Vec::new());
    while length > 0x7f {
        head.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    head.push(length as u8);
    file.write_all(&head)?;
    Ok(file.write_all(&body)?)
}

/// One sample of OpenMetrics text. Names that are not plain are quoted, as Prometheus 3 reads them.
fn write_line(file: &mut impl Write, labels: &Labels, (at, value): (i64, f64)) -> Result<()> {
    let name = labels.metric_name();
    let is_plain = name
        .split(':')
        .all(|part| part.is_empty() || is_legacy_label_name(part));
    let mut inside = Vec::new();
    if !is_plain {
        inside.push(quoted(name));
    }
    for (label, value) in labels.iter().filter(|(label, _)| *label != METRIC_NAME) {
        let label = if is_legacy_label_name(label) {
            label.to_owned()
        } else {
            quoted(label)
        };
        inside.push(format!("{label}={}", quoted(value)));
    }
    let name = if is_plain { name } else { "" };
    let inside = match inside.is_empty() {
        true => String::new(),
        false => format!("{{{}}}", inside.join(",")),
    };
    let sign = if at < 0 { "-" } else { "" };
    let (seconds, millis) = (at.unsigned_abs() / 1000, at.unsigned_abs() % 1000);
    let value = format_float(value);
    writeln!(file, "{name}{inside} {value} {sign}{seconds}.{millis:03}")?;
    Ok(())
}

/// As both formats of text escape.
fn quoted(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}
