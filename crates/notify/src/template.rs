//! Texts of messages: Alertmanager's templates over the data of a notification.

mod data; // what a template sees
mod functions; // what it may call

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use serde_json::Value as Json;
use stonechat_model::Timestamp;
use stonechat_template::{Error, Limits, MissingKey, Templates, Value};

use crate::notification::Notification;

pub(crate) use self::data::{KeyValues, common_annotations, common_labels};
use self::functions::MessageFunctions;

/// The templates that every set has; their names are Alertmanager's, because people's own templates call them.
const DEFAULTS: &str = include_str!("template/default.tmpl");

static DEFAULT_SET: LazyLock<Templates> = LazyLock::new(|| {
    let mut set = Templates::new(MissingKey::Zero);
    set.add("default.tmpl", DEFAULTS, functions::is_function)
        .expect("the templates of the program are tested");
    set
});

/// The templates of a configuration, and the time zone in which they show times.
#[derive(Debug, Clone)]
pub(crate) struct TemplateSet {
    /// The files that were read, with their texts: what two sets are compared by.
    files: Vec<(PathBuf, String)>,
    set: Templates,
    /// A name of the time zone database.
    pub(crate) zone: String,
}

impl PartialEq for TemplateSet {
    fn eq(&self, other: &Self) -> bool {
        self.files == other.files && self.zone == other.zone
    }
}

impl Default for TemplateSet {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            set: DEFAULT_SET.clone(),
            zone: local_zone(),
        }
    }
}

/// The zone of this machine.
fn local_zone() -> String {
    let zone = jiff::tz::TimeZone::system();
    zone.iana_name().unwrap_or("UTC").to_owned()
}

impl TemplateSet {
    /// Adds a file of templates.
    pub(crate) fn add_file(&mut self, path: PathBuf, text: String) -> Result<(), Error> {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        self.set.add(&name, &text, functions::is_function)?;
        self.files.push((path, text));
        Ok(())
    }

    /// What is wrong with a text as a template, if anything is.
    pub(crate) fn check(text: &str) -> Result<(), Error> {
        Templates::new(MissingKey::Zero).add("", text, functions::is_function)
    }
}

/// A message that is being written.
pub(crate) struct Renderer<'a> {
    pub(crate) notification: &'a Notification,
    pub(crate) external_url: &'a str,
    templates: &'a TemplateSet,
    data: Value,
    now: Timestamp,
}

impl<'a> Renderer<'a> {
    pub(crate) fn new(
        notification: &'a Notification,
        external_url: &'a str,
        templates: &'a TemplateSet,
        now: Timestamp,
    ) -> Self {
        Self {
            notification,
            external_url,
            templates,
            data: data::message(notification, external_url, (&templates.zone, false)),
            now,
        }
    }

    /// A text with its templates filled in.
    pub(crate) fn text(&self, source: &str) -> Result<String, Error> {
        self.filled(source, &self.data)
    }

    /// As [`text`](Self::text) for a text in HTML: what comes out of alerts is shown as it is and adds no marks of its own.
    pub(crate) fn html(&self, source: &str) -> Result<String, Error> {
        let data = data::message(
            self.notification,
            self.external_url,
            (&self.templates.zone, true),
        );
        self.filled(source, &data)
    }

    fn filled(&self, source: &str, data: &Value) -> Result<String, Error> {
        if !source.contains("{{") {
            return Ok(source.to_owned());
        }
        let mut set = self.templates.set.clone();
        set.add("", source, functions::is_function)?;
        let functions = MessageFunctions {
            now: self.now,
            external_url: self.external_url,
        };
        set.execute("", data, &functions, &Limits::default())
    }

    /// The same, with nothing for an empty result.
    pub(crate) fn optional(&self, source: Option<&str>) -> Result<Option<String>, Error> {
        let text = source.map(|source| self.text(source)).transpose()?;
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// A value of JSON in which every text, keys included, is a template. A text that becomes JSON becomes that value.
    pub(crate) fn json(&self, source: &Json) -> Result<Json, Error> {
        Ok(match source {
            Json::String(text) => {
                let filled = self.text(text)?;
                match text.contains("{{") {
                    true => serde_json::from_str(&filled).unwrap_or(Json::String(filled)),
                    false => Json::String(filled),
                }
            }
            Json::Array(items) => items
                .iter()
                .map(|item| self.json(item))
                .collect::<Result<_, _>>()?,
            Json::Object(entries) => {
                let filled = entries
                    .iter()
                    .map(|(key, value)| Ok((self.text(key)?, self.json(value)?)));
                Json::Object(filled.collect::<Result<_, Error>>()?)
            }
            other => other.clone(),
        })
    }

    /// A time as people here read it: `2026-01-02 03:04:05`.
    pub(crate) fn local_time(&self, at: Timestamp) -> String {
        let moment = jiff::Timestamp::from_millisecond(at.millis()).unwrap_or_default();
        match moment.in_tz(&self.templates.zone) {
            Ok(zoned) => zoned.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            Err(_) => moment.to_string(),
        }
    }
}

/// Shared by all ways out of one configuration.
pub(crate) type SharedTemplates = Arc<TemplateSet>;

#[cfg(test)]
mod tests;
