//! What the templates of an alerting rule see.

use stonechat_model::Labels;

use crate::value::{Object, Value};

/// What Prometheus puts in front of each label and annotation of an alerting rule. Places in errors count from its
/// beginning, so whoever shows them in a file subtracts its length on the first line.
pub const ALERT_PRELUDE: &str = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}\
                                 {{$externalURL := .ExternalURL}}{{$value := .Value}}";

/// The dot of an alerting rule's labels and annotations.
#[derive(Debug, Clone)]
pub struct AlertData {
    /// Labels of the series that the expression gave, with its name.
    pub labels: Labels,
    /// Labels that mark this server to others.
    pub external_labels: Labels,
    /// Under which address people reach the server.
    pub external_url: String,
    /// The value that the expression gave: a float, or a text that shows a histogram.
    pub value: Value,
}

impl Object for AlertData {
    fn type_name(&self) -> &'static str {
        "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }"
    }

    fn field_names(&self) -> &[&str] {
        &["Labels", "ExternalLabels", "ExternalURL", "Value"]
    }

    fn field(&self, name: &str) -> Option<Value> {
        Some(match name {
            "Labels" => self.labels.clone().into(),
            "ExternalLabels" => self.external_labels.clone().into(),
            "ExternalURL" => self.external_url.as_str().into(),
            "Value" => self.value.clone(),
            _ => return None,
        })
    }
}
