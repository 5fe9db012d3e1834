//! Labels and annotations: texts with templates in them.

use stonechat_model::{Labels, Timestamp};
use stonechat_template::prometheus::{
    ALERT_PRELUDE, AlertData, PrometheusFunctions, Query, is_function,
};
use stonechat_template::{Error, Limits, MissingKey, Place, Templates, Value};

/// A text of a rule, read as a template when it has actions in it.
#[derive(Debug, Clone)]
pub struct Text {
    written: String,
    /// Name under which the templates hold the text, and they.
    template: Option<(String, Templates)>,
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

/// Why a text is no template, and where in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextError {
    pub message: String,
    /// Place in the text itself, without what is put in front of it.
    pub place: Option<Place>,
}

/// What texts of an alerting rule are expanded with, besides the data of the alert.
pub(crate) struct Surroundings<'a> {
    pub now: Timestamp,
    pub external_url: &'a str,
    pub external_labels: &'a Labels,
    pub query: Query<'a>,
}

impl Text {
    /// A text without templates, as recording rules have.
    #[must_use]
    pub fn plain(written: &str) -> Self {
        Self {
            written: written.to_owned(),
            template: None,
        }
    }

    /// A text of an alert.
    pub(crate) fn template(alert: &str, written: &str) -> Result<Self, TextError> {
        if !written.contains("{{") {
            return Ok(Self::plain(written));
        }
        let name = format!("__alert_{alert}");
        let mut templates = Templates::new(MissingKey::Zero);
        let text = format!("{ALERT_PRELUDE}{written}");
        templates
            .add(&name, &text, is_function)
            .map_err(|error| text_error(&error))?;
        Ok(Self {
            written: written.to_owned(),
            template: Some((name, templates)),
        })
    }

    /// The text as it stands in the file.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }

    /// True when it has actions, so that each alert may get another text.
    #[must_use]
    pub fn is_template(&self) -> bool {
        self.template.is_some()
    }

    /// The text for one alert. A template that fails leaves its error in the text, as Prometheus does: better a
    /// strange text than no alert. The second value is that error.
    pub(crate) fn expand(
        &self,
        data: &Value,
        around: &Surroundings<'_>,
    ) -> (String, Option<Error>) {
        let Some((name, templates)) = &self.template else {
            return (self.written.clone(), None);
        };
        let functions = PrometheusFunctions {
            now: around.now,
            external_url: around.external_url,
            query: around.query,
        };
        match templates.execute(name, data, &functions, &Limits::default()) {
            Ok(text) => (text, None),
            Err(error) => {
                let text =
                    format!("<error expanding template: error executing template {name}: {error}>");
                (text, Some(error))
            }
        }
    }
}

fn text_error(error: &Error) -> TextError {
    let place = error.place().map(|place| match place.line {
        1 => Place {
            line: 1,
            column: place.column.saturating_sub(ALERT_PRELUDE.len()),
        },
        _ => place,
    });
    TextError {
        message: error.to_string(),
        place,
    }
}

/// The dot of an alert's texts.
pub(crate) fn alert_data(labels: &Labels, value: f64, around: &Surroundings<'_>) -> Value {
    Value::object(AlertData {
        labels: labels.clone(),
        external_labels: around.external_labels.clone(),
        external_url: around.external_url.to_owned(),
        value: Value::Float(value),
    })
}
