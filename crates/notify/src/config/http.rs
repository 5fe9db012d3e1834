//! The part of Prometheus' `http_config` that notifications honour.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use stonechat_model::Secret;
use stonechat_model::yaml::{Spanned, Unsupported};

use super::check::Check;
use super::file::Text;

/// A secret that stands in the configuration, or in a file that is read each time it is needed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SecretSource {
    /// As written.
    Inline(Secret),
    /// The file's content without the space around it.
    File(PathBuf),
}

impl SecretSource {
    /// The secret itself.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn read(&self) -> Result<Secret, std::io::Error> {
        match self {
            Self::Inline(secret) => Ok(secret.clone()),
            Self::File(path) => Ok(Secret::new(std::fs::read_to_string(path)?.trim())),
        }
    }
}

/// How requests are made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HttpConfig {
    pub(crate) auth: Option<Auth>,
    pub(crate) follow_redirects: bool,
    pub(crate) proxy_url: Option<Secret>,
    pub(crate) tls: TlsConfig,
}

/// Prometheus' defaults.
impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            auth: None,
            follow_redirects: true,
            proxy_url: None,
            tls: TlsConfig::default(),
        }
    }
}

/// How a request says who sends it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Auth {
    Basic {
        username: SecretSource,
        password: Option<SecretSource>,
    },
    /// The header `Authorization` with a scheme such as `Bearer`.
    Scheme {
        scheme: String,
        credentials: SecretSource,
    },
}

/// Whom to trust, and with which certificate to answer. All in PEM.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TlsConfig {
    pub(crate) ca: Option<SecretSource>,
    pub(crate) cert: Option<SecretSource>,
    pub(crate) key: Option<SecretSource>,
    pub(crate) skip_verify: bool,
}

/// `http_config` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpFile {
    basic_auth: Option<Spanned<BasicFile>>,
    authorization: Option<Spanned<AuthorizationFile>>,
    bearer_token: Option<Spanned<Secret>>,
    bearer_token_file: Option<Text>,
    follow_redirects: Option<bool>,
    /// Requests are made with HTTP/1.1, which every receiver takes, whether HTTP/2 is allowed or not.
    #[serde(rename = "enable_http2")]
    _enable_http2: Option<bool>,
    proxy_url: Option<Spanned<Secret>>,
    tls_config: Option<TlsFile>,
    #[serde(rename = "oauth2")]
    _oauth2: Option<Unsupported>,
    #[serde(rename = "http_headers")]
    _http_headers: Option<Unsupported>,
    #[serde(rename = "no_proxy")]
    _no_proxy: Option<Unsupported>,
    #[serde(rename = "proxy_from_environment")]
    _proxy_from_environment: Option<Unsupported>,
    #[serde(rename = "proxy_connect_header")]
    _proxy_connect_header: Option<Unsupported>,
}

/// `basic_auth` as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BasicFile {
    username: Option<Secret>,
    username_file: Option<Text>,
    password: Option<Secret>,
    password_file: Option<Text>,
    #[serde(rename = "username_ref")]
    _username_ref: Option<Unsupported>,
    #[serde(rename = "password_ref")]
    _password_ref: Option<Unsupported>,
}

/// `authorization` as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthorizationFile {
    #[serde(rename = "type")]
    scheme: Option<String>,
    credentials: Option<Secret>,
    credentials_file: Option<Text>,
    #[serde(rename = "credentials_ref")]
    _credentials_ref: Option<Unsupported>,
}

/// `tls_config` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsFile {
    ca: Option<Secret>,
    ca_file: Option<Text>,
    cert: Option<Secret>,
    cert_file: Option<Text>,
    key: Option<Secret>,
    key_file: Option<Text>,
    insecure_skip_verify: Option<bool>,
    #[serde(rename = "ca_ref")]
    _ca_ref: Option<Unsupported>,
    #[serde(rename = "cert_ref")]
    _cert_ref: Option<Unsupported>,
    #[serde(rename = "key_ref")]
    _key_ref: Option<Unsupported>,
    #[serde(rename = "server_name")]
    _server_name: Option<Unsupported>,
    #[serde(rename = "min_version")]
    _min_version: Option<Unsupported>,
    #[serde(rename = "max_version")]
    _max_version: Option<Unsupported>,
}

impl HttpFile {
    /// Whether requests say in the header `Authorization` who sends them.
    pub(crate) fn has_authorization(&self) -> bool {
        self.authorization.is_some()
            || self.bearer_token.is_some()
            || self.bearer_token_file.is_some()
    }

    /// The same settings where they stand among others, but for those that [`check_with`](Self::check_with) takes.
    pub(super) fn of_parts(
        (basic_auth, authorization): (
            &Option<Spanned<BasicFile>>,
            &Option<Spanned<AuthorizationFile>>,
        ),
        (bearer_token, bearer_token_file): (&Option<Spanned<Secret>>, &Option<Text>),
    ) -> Self {
        Self {
            basic_auth: basic_auth.clone(),
            authorization: authorization.clone(),
            bearer_token: bearer_token.clone(),
            bearer_token_file: bearer_token_file.clone(),
            ..Self::default()
        }
    }

    /// Checks what is written. What is wrong goes to `check`.
    pub(crate) fn check(&self, check: &mut Check<'_>) -> HttpConfig {
        let parts = (
            self.follow_redirects,
            self.proxy_url.as_ref(),
            self.tls_config.as_ref(),
        );
        self.check_with(check, parts)
    }

    /// Checks who sends, with the given settings of the connection.
    pub(super) fn check_with(
        &self,
        check: &mut Check<'_>,
        (follow_redirects, proxy_url, tls): (
            Option<bool>,
            Option<&Spanned<Secret>>,
            Option<&TlsFile>,
        ),
    ) -> HttpConfig {
        if let Some(proxy) = proxy_url {
            let url = reqwest::Url::parse(proxy.value.reveal());
            if !url.is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
                check.at_with_help(
                    proxy,
                    "not the URL of a proxy",
                    "write for example http://127.0.0.1:3128",
                );
            }
        }
        HttpConfig {
            auth: self.auth(check),
            follow_redirects: follow_redirects.unwrap_or(true),
            proxy_url: proxy_url.map(|proxy| proxy.value.clone()),
            tls: tls.map_or_else(TlsConfig::default, |tls| tls.check(check)),
        }
    }

    fn auth(&self, check: &mut Check<'_>) -> Option<Auth> {
        let basic = self
            .basic_auth
            .as_ref()
            .map(|basic| basic_auth(check, basic));
        let scheme = self
            .authorization
            .as_ref()
            .map(|authorization| scheme_auth(check, authorization));
        let token = self.bearer_token.as_ref().map(|token| &token.value);
        let token = one_of(
            check,
            ("bearer_token", token),
            self.bearer_token_file.as_ref(),
        );
        let bearer = token.map(|credentials| Auth::Scheme {
            scheme: "Bearer".to_owned(),
            credentials,
        });
        let mut ways = [basic.flatten(), scheme.flatten(), bearer]
            .into_iter()
            .flatten();
        let first = ways.next();
        if ways.next().is_some() {
            check.of_file(
                "an http_config may have only one of basic_auth, authorization and bearer_token",
            );
        }
        first
    }
}

fn basic_auth(check: &mut Check<'_>, basic: &Spanned<BasicFile>) -> Option<Auth> {
    let written = &basic.value;
    let username = one_of(
        check,
        ("username", written.username.as_ref()),
        written.username_file.as_ref(),
    );
    let password = one_of(
        check,
        ("password", written.password.as_ref()),
        written.password_file.as_ref(),
    );
    if username.is_none() {
        check.at(basic, "basic_auth has no `username`");
    }
    Some(Auth::Basic {
        username: username?,
        password,
    })
}

fn scheme_auth(check: &mut Check<'_>, authorization: &Spanned<AuthorizationFile>) -> Option<Auth> {
    let written = &authorization.value;
    let scheme = written.scheme.as_deref().map_or("Bearer", str::trim);
    if scheme.eq_ignore_ascii_case("basic") {
        check.at_with_help(
            authorization,
            "the type `basic` does not belong here",
            "use `basic_auth`",
        );
    }
    let credentials = one_of(
        check,
        ("credentials", written.credentials.as_ref()),
        written.credentials_file.as_ref(),
    );
    Some(Auth::Scheme {
        scheme: scheme.to_owned(),
        credentials: credentials?,
    })
}

impl TlsFile {
    pub(crate) fn check(&self, check: &mut Check<'_>) -> TlsConfig {
        let tls = TlsConfig {
            ca: pem_of(check, ("ca", self.ca.as_ref()), self.ca_file.as_ref()),
            cert: pem_of(check, ("cert", self.cert.as_ref()), self.cert_file.as_ref()),
            key: pem_of(check, ("key", self.key.as_ref()), self.key_file.as_ref()),
            skip_verify: self.insecure_skip_verify.unwrap_or(false),
        };
        if tls.cert.is_some() != tls.key.is_some() {
            check.of_file(
                "a tls_config has a certificate without its key, or a key without its certificate",
            );
        }
        tls
    }
}

/// A secret that is written in one of two ways. An empty text is the same as none.
fn one_of(
    check: &mut Check<'_>,
    named: (&str, Option<&Secret>),
    file: Option<&Text>,
) -> Option<SecretSource> {
    let source = source_of(check, named, file)?;
    if let (SecretSource::File(path), Some(file)) = (&source, file) {
        check.readable(file, path);
    }
    Some(source)
}

/// As [`one_of`], for what is read once, when the configuration is taken: a file that is not there is a mistake.
fn pem_of(
    check: &mut Check<'_>,
    named: (&str, Option<&Secret>),
    file: Option<&Text>,
) -> Option<SecretSource> {
    let source = source_of(check, named, file)?;
    if let (SecretSource::File(path), Some(file)) = (&source, file)
        && let Err(error) = std::fs::read_to_string(path)
    {
        check.at(file, format!("{} cannot be read: {error}", path.display()));
    }
    Some(source)
}

fn source_of(
    check: &mut Check<'_>,
    (key, inline): (&str, Option<&Secret>),
    file: Option<&Text>,
) -> Option<SecretSource> {
    let inline = inline.filter(|secret| !secret.reveal().is_empty());
    let file = file.filter(|path| !path.value.is_empty());
    if let (Some(_), Some(file)) = (inline, file) {
        check.at_with_help(
            file,
            format!("both `{key}` and `{key}_file` are given"),
            "leave one out",
        );
    }
    match (inline, file) {
        (Some(secret), _) => Some(SecretSource::Inline(secret.clone())),
        (None, Some(path)) => Some(SecretSource::File(beside(check.file, &path.value))),
        (None, None) => None,
    }
}

/// A path that is relative counts from the folder of the file in which it is written.
pub(crate) fn beside(file: &Path, path: &str) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).join(path)
}
