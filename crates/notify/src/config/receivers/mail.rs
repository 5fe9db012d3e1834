//! Email.

use std::collections::{BTreeMap, BTreeSet};

use stonechat_model::yaml::Spanned;

use super::{Entry, entry};
use crate::config::Check;
use crate::config::file::Text;
use crate::config::global::{GlobalFile, SecretText};
use crate::config::http::TlsFile;

entry!(EmailFile {
    to: Text,
    from: Text,
    hello: Text,
    smarthost: Text,
    auth_username: Text,
    auth_password: SecretText,
    auth_password_file: Text,
    auth_secret: SecretText,
    auth_secret_file: Text,
    auth_identity: Text,
    headers: BTreeMap<String, Text>,
    html: Text,
    text: Text,
    require_tls: bool,
    tls_config: TlsFile,
    force_implicit_tls: bool,
    threading: Threading,
});

/// Whether messages about one group are shown as one conversation.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Threading {
    enabled: Option<bool>,
    thread_by_date: Option<Text>,
}

impl Entry for EmailFile {
    fn check(place: &Spanned<Self>, check: &mut Check<'_>, global: &GlobalFile) {
        let mail = &place.value;
        check.needs(place, "to", mail.to.as_ref());
        check.needs(
            place,
            "smarthost",
            mail.smarthost.as_ref().or(global.smtp_smarthost.as_ref()),
        );
        check.needs(
            place,
            "from",
            mail.from.as_ref().or(global.smtp_from.as_ref()),
        );
        check.only_one(
            "auth_password",
            mail.auth_password.as_ref(),
            mail.auth_password_file.as_ref(),
        );
        check.only_one(
            "auth_secret",
            mail.auth_secret.as_ref(),
            mail.auth_secret_file.as_ref(),
        );
        for smarthost in [&mail.smarthost, &global.smtp_smarthost]
            .into_iter()
            .flatten()
        {
            let port = smarthost.value.rsplit_once(':').map(|(_, port)| port);
            if port.is_none_or(|port| port.parse::<u16>().is_err()) {
                check.at_with_help(
                    smarthost,
                    "not the address of a mail server",
                    "write for example mail.example.org:587",
                );
            }
        }
        let mut seen = BTreeSet::new();
        for (name, value) in mail.headers.iter().flatten() {
            if !seen.insert(name.to_ascii_lowercase()) {
                check.at(value, format!("the header `{name}` is given twice"));
            }
        }
        if let Some(threading) = mail
            .threading
            .as_ref()
            .filter(|threading| threading.enabled == Some(true))
        {
            for name in ["references", "in-reply-to"] {
                if seen.contains(name) {
                    check.at(place, format!("threading sets the header `{name}` itself"));
                }
            }
            if let Some(by) = threading
                .thread_by_date
                .as_ref()
                .filter(|by| !["none", "daily"].contains(&by.value.as_str()))
            {
                check.at_with_help(by, "not a way to form conversations", "write none or daily");
            }
        }
        if let Some(tls) = &mail.tls_config {
            tls.check(check);
        }
    }
}
