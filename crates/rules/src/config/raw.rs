//! A rule file as it is written.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use stonechat_model::duration::ConfigDuration;
use stonechat_model::yaml::Spanned;

/// Names and texts; each text keeps its place.
pub(super) type Texts = BTreeMap<String, Spanned<String>>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default, deserialize_with = "or_default")]
    pub groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub name: Spanned<String>,
    #[serde(default)]
    pub interval: Option<ConfigDuration>,
    #[serde(default)]
    pub query_offset: Option<ConfigDuration>,
    #[serde(default)]
    pub limit: Option<i64>,
    #[serde(default, deserialize_with = "or_default")]
    pub labels: Texts,
    #[serde(default, deserialize_with = "or_default")]
    pub rules: Vec<Spanned<Rule>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    #[serde(default)]
    pub record: Option<Spanned<String>>,
    #[serde(default)]
    pub alert: Option<Spanned<String>>,
    #[serde(default)]
    pub expr: Option<Spanned<String>>,
    #[serde(default, rename = "for")]
    pub hold: Option<Spanned<ConfigDuration>>,
    #[serde(default)]
    pub keep_firing_for: Option<Spanned<ConfigDuration>>,
    #[serde(default, deserialize_with = "or_default")]
    pub labels: Texts,
    #[serde(default, deserialize_with = "or_default")]
    pub annotations: Texts,
}

/// A key without a value counts as absent, as in Go.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
