//! `email_configs`, checked.

use std::collections::BTreeMap;

use stonechat_model::yaml::Spanned;

use crate::config::{Check, EmailFile, GlobalFile, SecretSource, Text, TlsConfig, or_text};

/// Where a message goes and what it says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct EmailConfig {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) hello: String,
    pub(super) login: Option<(String, SecretSource)>,
    pub(super) tls: TlsConfig,
    /// A connection that is not encrypted is not used.
    pub(super) require_tls: bool,
    /// Encryption begins with the connection, as on port 465.
    pub(super) implicit_tls: bool,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) subject: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) html: String,
    pub(super) text: String,
}

/// The port on which encryption begins with the connection.
const SMTPS: u16 = 465;

impl EmailConfig {
    /// Checks what the entry's own check has not. What is wrong goes to `check`.
    pub(crate) fn check(
        check: &mut Check<'_>,
        place: &Spanned<EmailFile>,
        global: &GlobalFile,
    ) -> Option<Self> {
        let mail = &place.value;
        let text = |own: &Option<Text>, common: &Option<Text>| {
            let text = own
                .as_ref()
                .or(common.as_ref())
                .map(|text| text.value.clone());
            text.filter(|text| !text.is_empty())
        };
        let smarthost = text(&mail.smarthost, &global.smtp_smarthost)?;
        let (host, port) = smarthost.rsplit_once(':')?;
        let port: u16 = port.parse().ok()?;
        let own = check.secret(
            ("auth_password", mail.auth_password.as_ref()),
            mail.auth_password_file.as_ref(),
        );
        let password = own.or_else(|| {
            check.secret(
                ("smtp_auth_password", global.smtp_auth_password.as_ref()),
                global.smtp_auth_password_file.as_ref(),
            )
        });
        let username = text(&mail.auth_username, &global.smtp_auth_username);
        if mail.auth_secret.is_some()
            || mail.auth_secret_file.is_some()
            || global.smtp_auth_secret.is_some()
            || global.smtp_auth_secret_file.is_some()
        {
            check.warn(place, "logging in with CRAM-MD5 is not possible yet; the password is used, if there is one");
        }
        let tls = mail.tls_config.as_ref().or(global.smtp_tls_config.as_ref());
        let mut headers = BTreeMap::new();
        let mut special = BTreeMap::new();
        for (name, value) in mail.headers.iter().flatten() {
            let template = or_text(check, Some(value), "");
            match name.to_ascii_lowercase().as_str() {
                key @ ("subject" | "from" | "to") => special.insert(key.to_owned(), template),
                _ => headers.insert(name.clone(), template),
            };
        }
        let implicit = mail.force_implicit_tls.or(global.smtp_force_implicit_tls);
        let from = text(&mail.from, &global.smtp_from)?;
        Some(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            hello: text(&mail.hello, &global.smtp_hello).unwrap_or_else(|| "localhost".to_owned()),
            login: username.zip(password),
            tls: tls.map_or_else(TlsConfig::default, |tls| tls.check(check)),
            require_tls: mail.require_tls.or(global.smtp_require_tls).unwrap_or(true),
            implicit_tls: implicit.unwrap_or(port == SMTPS),
            from: special.remove("from").unwrap_or(from),
            to: special.remove("to").or_else(|| text(&mail.to, &None))?,
            subject: special
                .remove("subject")
                .unwrap_or_else(|| "{{ template \"email.default.subject\" . }}".to_owned()),
            headers,
            html: or_text(
                check,
                mail.html.as_ref(),
                "{{ template \"email.default.html\" . }}",
            ),
            text: or_text(check, mail.text.as_ref(), ""),
        })
    }
}
