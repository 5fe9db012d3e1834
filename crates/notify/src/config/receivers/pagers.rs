//! Services that wake people or keep tickets.

use std::collections::BTreeMap;

use stonechat_model::yaml::Spanned;

use super::{Anything, Entry, entry};
use crate::config::file::Text;
use crate::config::global::{GlobalFile, SecretText};
use crate::config::{Check, HttpFile};

entry!(PagerdutyFile {
    service_key: SecretText,
    service_key_file: Text,
    routing_key: SecretText,
    routing_key_file: Text,
    url: Text,
    client: Text,
    client_url: Text,
    description: Text,
    details: BTreeMap<String, Text>,
    images: Vec<BTreeMap<ImageKey, String>>,
    links: Vec<BTreeMap<LinkKey, String>>,
    source: Text,
    severity: Text,
    class: Text,
    component: Text,
    group: Text,
    timeout: Text,
});

/// What is said of an image.
#[derive(Debug, Clone, serde::Deserialize, serde::Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ImageKey {
    Src,
    Alt,
    Href,
}

/// What is said of a link.
#[derive(Debug, Clone, serde::Deserialize, serde::Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LinkKey {
    Href,
    Text,
}

impl Entry for PagerdutyFile {
    fn check(place: &Spanned<Self>, check: &mut Check<'_>, _global: &GlobalFile) {
        let pager = &place.value;
        check.only_one(
            "service_key",
            pager.service_key.as_ref(),
            pager.service_key_file.as_ref(),
        );
        check.only_one(
            "routing_key",
            pager.routing_key.as_ref(),
            pager.routing_key_file.as_ref(),
        );
        let keys = [
            given(&pager.service_key, &pager.service_key_file),
            given(&pager.routing_key, &pager.routing_key_file),
        ];
        if keys == [false, false] {
            check.at(
                place,
                "there is neither a `routing_key` nor a `service_key`",
            );
        }
        check.url(pager.url.as_ref());
    }
}

entry!(OpsgenieFile {
    api_key: SecretText,
    api_key_file: Text,
    api_url: Text,
    message: Text,
    description: Text,
    source: Text,
    details: BTreeMap<String, Text>,
    entity: Text,
    responders: Vec<Spanned<Responder>>,
    actions: Text,
    tags: Text,
    note: Text,
    priority: Text,
    update_alerts: bool,
});

/// Somebody who is to be told.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Responder {
    id: Option<String>,
    name: Option<String>,
    username: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl Entry for OpsgenieFile {
    fn check(place: &Spanned<Self>, check: &mut Check<'_>, global: &GlobalFile) {
        let pager = &place.value;
        check.only_one(
            "api_key",
            pager.api_key.as_ref(),
            pager.api_key_file.as_ref(),
        );
        let key = given(&pager.api_key, &pager.api_key_file)
            || given(&global.opsgenie_api_key, &global.opsgenie_api_key_file);
        if !key {
            check.at_with_help(
                place,
                "there is no `api_key`",
                "give one here, or `opsgenie_api_key` under `global`",
            );
        }
        check.url(pager.api_url.as_ref());
        for responder in pager.responders.iter().flatten() {
            let who = &responder.value;
            if [&who.id, &who.name, &who.username]
                .iter()
                .all(|text| text.as_deref().unwrap_or_default().is_empty())
            {
                check.at(
                    responder,
                    "a responder needs an `id`, a `name` or a `username`",
                );
            }
            let kind = who.kind.as_deref().unwrap_or_default();
            if !kind.contains("{{")
                && !["team", "teams", "user", "escalation", "schedule"]
                    .contains(&kind.to_lowercase().as_str())
            {
                check.at(responder, format!("`{kind}` is no type of responder: team, teams, user, escalation or schedule"));
            }
        }
    }
}

entry!(VictoropsFile {
    api_key: SecretText,
    api_key_file: Text,
    api_url: Text,
    routing_key: Text,
    message_type: Text,
    state_message: Text,
    entity_display_name: Text,
    monitoring_tool: Text,
    custom_fields: BTreeMap<String, Text>,
});

/// Keys of VictorOps' messages that have a meaning of their own.
const VICTOROPS_RESERVED: [&str; 7] = [
    "routing_key",
    "message_type",
    "state_message",
    "entity_display_name",
    "monitoring_tool",
    "entity_id",
    "entity_state",
];

impl Entry for VictoropsFile {
    fn check(place: &Spanned<Self>, check: &mut Check<'_>, global: &GlobalFile) {
        let pager = &place.value;
        check.needs(place, "routing_key", pager.routing_key.as_ref());
        check.only_one(
            "api_key",
            pager.api_key.as_ref(),
            pager.api_key_file.as_ref(),
        );
        let key = given(&pager.api_key, &pager.api_key_file)
            || given(&global.victorops_api_key, &global.victorops_api_key_file);
        if !key {
            check.at_with_help(
                place,
                "there is no `api_key`",
                "give one here, or `victorops_api_key` under `global`",
            );
        }
        check.url(pager.api_url.as_ref());
        for (name, value) in pager.custom_fields.iter().flatten() {
            if VICTOROPS_RESERVED.contains(&name.as_str()) {
                check.at(
                    value,
                    format!("`{name}` has a meaning of its own and cannot be a custom field"),
                );
            }
        }
    }
}

entry!(PushoverFile {
    user_key: SecretText,
    user_key_file: Text,
    token: SecretText,
    token_file: Text,
    title: Text,
    message: Text,
    url: Text,
    url_title: Text,
    device: Text,
    sound: Text,
    priority: Text,
    retry: Text,
    expire: Text,
    ttl: Text,
    html: bool,
    monospace: bool,
});

impl Entry for PushoverFile {
    fn check(place: &Spanned<Self>, check: &mut Check<'_>, _global: &GlobalFile) {
        let pager = &place.value;
        for (key, inline, file) in [
            ("user_key", &pager.user_key, &pager.user_key_file),
            ("token", &pager.token, &pager.token_file),
        ] {
            check.only_one(key, inline.as_ref(), file.as_ref());
            if !given(inline, file) {
                check.at(place, format!("there is neither `{key}` nor `{key}_file`"));
            }
        }
        if pager.html == Some(true) && pager.monospace == Some(true) {
            check.at(place, "a text is either `html` or `monospace`");
        }
    }
}

entry!(SnsFile {
    api_url: Text,
    sigv4: SigV4,
    topic_arn: Text,
    phone_number: Text,
    target_arn: Text,
    subject: Text,
    message: Text,
    attributes: BTreeMap<String, Text>,
    use_aws_http_client: bool,
});

/// How requests to AWS are signed.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "keys are taken so that a file is read whole; what is not sent is not read"
)]
pub(crate) struct SigV4 {
    region: Option<String>,
    access_key: Option<SecretText>,
    secret_key: Option<SecretText>,
    profile: Option<String>,
    role_arn: Option<String>,
    external_id: Option<String>,
    use_fips_sts_endpoint: Option<bool>,
}

impl Entry for SnsFile {
    fn check(place: &Spanned<Self>, check: &mut Check<'_>, _global: &GlobalFile) {
        let sns = &place.value;
        let named = [&sns.topic_arn, &sns.phone_number, &sns.target_arn];
        let named = named.iter().filter(|text| is_given(text.as_ref())).count();
        // As in Alertmanager, which lets three pass where two are too many.
        if named % 2 == 0 {
            check.at(
                place,
                "exactly one of `topic_arn`, `target_arn` and `phone_number` has to be given",
            );
        }
    }
}

entry!(JiraFile {
    api_url: Text,
    api_type: Text,
    project: Text,
    summary: Anything,
    description: Anything,
    labels: Vec<Text>,
    priority: Text,
    issue_type: Text,
    reopen_transition: Text,
    resolve_transition: Text,
    wont_fix_resolution: Text,
    reopen_duration: stonechat_model::duration::ConfigDuration,
    fields: BTreeMap<String, Anything>,
});

impl Entry for JiraFile {
    fn check(place: &Spanned<Self>, check: &mut Check<'_>, global: &GlobalFile) {
        let jira = &place.value;
        check.needs(place, "project", jira.project.as_ref());
        check.needs(place, "issue_type", jira.issue_type.as_ref());
        check.needs(
            place,
            "api_url",
            jira.api_url.as_ref().or(global.jira_api_url.as_ref()),
        );
        check.url(jira.api_url.as_ref());
        if let Some(kind) = jira
            .api_type
            .as_ref()
            .filter(|kind| !["auto", "cloud", "datacenter"].contains(&kind.value.as_str()))
        {
            check.at_with_help(
                kind,
                "not a kind of Jira",
                "write auto, cloud or datacenter",
            );
        }
    }
}

entry!(IncidentioFile {
    url: SecretText,
    url_file: Text,
    alert_source_token: SecretText,
    alert_source_token_file: Text,
    max_alerts: u32,
    timeout: Text,
});

impl Entry for IncidentioFile {
    fn check(place: &Spanned<Self>, check: &mut Check<'_>, _global: &GlobalFile) {
        let incident = &place.value;
        check.only_one("url", incident.url.as_ref(), incident.url_file.as_ref());
        if !given(&incident.url, &incident.url_file) {
            check.at(place, "there is neither `url` nor `url_file`");
        }
        check.secret_url(incident.url.as_ref());
        check.only_one(
            "alert_source_token",
            incident.alert_source_token.as_ref(),
            incident.alert_source_token_file.as_ref(),
        );
        let token = given(
            &incident.alert_source_token,
            &incident.alert_source_token_file,
        );
        let authorization = incident
            .http_config
            .as_ref()
            .map(HttpFile::has_authorization);
        match (token, authorization) {
            (true, Some(true)) => check.at(
                place,
                "both an `alert_source_token` and an `authorization` are given",
            ),
            (false, Some(false)) => check.at(
                place,
                "there is neither an `alert_source_token` nor an `authorization`",
            ),
            _ => {}
        }
    }
}

/// Whether a secret is given in one of the two ways.
pub(super) fn given(inline: &Option<SecretText>, file: &Option<Text>) -> bool {
    inline
        .as_ref()
        .is_some_and(|secret| !secret.value.reveal().is_empty())
        || is_given(file.as_ref())
}

fn is_given(text: Option<&Text>) -> bool {
    text.is_some_and(|text| !text.value.is_empty())
}
