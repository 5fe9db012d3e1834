//! Silences on disk: the file `silences`, written anew with every change and put in the place of the old one in one
//! step. The format is described in `SILENCES.md` beside this crate's manifest.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stonechat_model::{MatchOp, Matcher, Timestamp};

use super::{Silence, Silences};

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SilenceFileError {
    #[error("{} cannot be used", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{} has version {version}, which is newer than this program", path.display())]
    Newer { path: PathBuf, version: u32 },
}

/// The file's place.
#[derive(Debug)]
pub(crate) struct SilenceFile(PathBuf);

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Whole {
    version: u32,
    silences: Vec<Written>,
}

#[derive(Deserialize)]
struct Head {
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct Written {
    id: String,
    matchers: Vec<WrittenMatcher>,
    starts_at: i64,
    ends_at: i64,
    updated_at: i64,
    created_by: String,
    comment: String,
}

#[derive(Serialize, Deserialize)]
struct WrittenMatcher {
    name: String,
    op: String,
    value: String,
}

impl SilenceFile {
    /// Reads the silences in a directory, which exists. A damaged file is set aside as `silences.damaged`: alerts have
    /// to go out all the same, and rather too many than too few.
    pub(crate) fn open(directory: &Path) -> Result<(Self, Silences), SilenceFileError> {
        let path = directory.join("silences");
        let io = |source| SilenceFileError::Io {
            path: path.clone(),
            source,
        };
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok((Self(path), Silences::default()));
            }
            Err(error) => return Err(io(error)),
        };
        if let Ok(Head { version }) = serde_json::from_slice(&bytes)
            && version > VERSION
        {
            return Err(SilenceFileError::Newer { path, version });
        }
        let read = serde_json::from_slice::<Whole>(&bytes).ok();
        let silences = read.and_then(|whole| {
            whole
                .silences
                .into_iter()
                .map(Written::read)
                .collect::<Option<Vec<_>>>()
        });
        let Some(silences) = silences else {
            let aside = directory.join("silences.damaged");
            tracing::error!(
                file = %path.display(), kept_as = %aside.display(),
                "the file with the silences is damaged; no alert is silenced"
            );
            fs::rename(&path, &aside).map_err(io)?;
            return Ok((Self(path), Silences::default()));
        };
        Ok((Self(path), Silences::new(silences)))
    }

    /// Writes all silences. When this returns they survive a power cut.
    pub(crate) fn write(&self, silences: &Silences) -> io::Result<()> {
        let whole = Whole {
            version: VERSION,
            silences: silences.iter().map(Written::of).collect(),
        };
        let temporary = self.0.with_extension("new");
        let mut file = File::create(&temporary)?;
        file.write_all(&serde_json::to_vec(&whole)?)?;
        file.sync_all()?;
        fs::rename(&temporary, &self.0)?;
        match self.0.parent() {
            Some(directory) => File::open(directory)?.sync_all(),
            None => Ok(()),
        }
    }
}

impl Written {
    fn of(silence: &Silence) -> Self {
        let matchers = silence.matchers.iter().map(|matcher| WrittenMatcher {
            name: matcher.name().to_owned(),
            op: matcher.op().to_string(),
            value: matcher.value().to_owned(),
        });
        Self {
            id: silence.id.clone(),
            matchers: matchers.collect(),
            starts_at: silence.starts_at.millis(),
            ends_at: silence.ends_at.millis(),
            updated_at: silence.updated_at.millis(),
            created_by: silence.created_by.clone(),
            comment: silence.comment.clone(),
        }
    }

    fn read(self) -> Option<Silence> {
        let matchers = self.matchers.into_iter().map(|written| {
            let ops = [
                MatchOp::Equal,
                MatchOp::NotEqual,
                MatchOp::Regex,
                MatchOp::NotRegex,
            ];
            let op = ops.into_iter().find(|op| op.to_string() == written.op)?;
            Matcher::new(written.name, op, written.value).ok()
        });
        Some(Silence {
            id: self.id,
            matchers: matchers.collect::<Option<_>>()?,
            starts_at: Timestamp::from_millis(self.starts_at),
            ends_at: Timestamp::from_millis(self.ends_at),
            updated_at: Timestamp::from_millis(self.updated_at),
            created_by: self.created_by,
            comment: self.comment,
        })
    }
}
