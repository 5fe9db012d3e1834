//! `tls` of a source: whom to trust, and who we are. Given at all, it means that the server has to show a certificate that is good.

use stonechat_model::Secret;
use stonechat_model::yaml::Spanned;
use url::Url;

use super::super::check::Check;
use super::super::written::Text;
use super::file::{SourceFile, TlsFile};
use crate::plan::{SourceKind, Tls, TlsClient};

/// Puts what is written into a source: MySQL and PostgreSQL have it in their URL. `None` when there is a mistake.
pub(super) fn apply(
    check: &mut Check<'_>,
    written: &SourceFile,
    kind: SourceKind,
) -> Option<(SourceKind, Tls)> {
    let Some(file) = &written.tls else {
        return Some((kind, Tls::default()));
    };
    let tls = files(check, file)?;
    match kind {
        SourceKind::MySql(url) => {
            let names = [("ssl-mode", "VERIFY_IDENTITY"), ("ssl-ca", "ssl-cert")];
            let url = in_url(check, file, &url, &tls, (names, "ssl-key"))?;
            Some((SourceKind::MySql(url), Tls::default()))
        }
        SourceKind::Postgres(url) => {
            let names = [("sslmode", "verify-full"), ("sslrootcert", "sslcert")];
            let url = in_url(check, file, &url, &tls, (names, "sslkey"))?;
            Some((SourceKind::Postgres(url), Tls::default()))
        }
        SourceKind::Sqlite(_) => {
            check.at(file, "a file of SQLite has no `tls`");
            None
        }
        SourceKind::Redis(redis) => {
            let plain = redis
                .urls
                .iter()
                .any(|url| !url.reveal().starts_with("rediss:"));
            encrypted(check, file, !plain, "rediss://")?;
            Some((SourceKind::Redis(redis), tls))
        }
        SourceKind::ClickHouse(url) => {
            encrypted(check, file, url.reveal().starts_with("https:"), "https://")?;
            Some((SourceKind::ClickHouse(url), tls))
        }
        SourceKind::Rest(rest) => {
            encrypted(check, file, rest.url.starts_with("https:"), "https://")?;
            Some((SourceKind::Rest(rest), tls))
        }
    }
}

fn files(check: &mut Check<'_>, written: &Spanned<TlsFile>) -> Option<Tls> {
    let file = &written.value;
    let mut path = |given: &Option<Text>| match given {
        Some(text) => check.files(text).into_iter().next().map(Some),
        None => Some(None),
    };
    let (ca_file, cert_file, key_file) = (
        path(&file.ca_file)?,
        path(&file.cert_file)?,
        path(&file.key_file)?,
    );
    let client = match (cert_file, key_file) {
        (Some(cert_file), Some(key_file)) => Some(TlsClient {
            cert_file,
            key_file,
        }),
        (None, None) => None,
        _ => {
            let help = "give both, or neither";
            check.at_with_help(written, "`cert_file` and `key_file` belong together", help);
            return None;
        }
    };
    Some(Tls { ca_file, client })
}

/// Nothing, and a mistake, where the URL would go without TLS.
fn encrypted(
    check: &mut Check<'_>,
    file: &Spanned<TlsFile>,
    is_encrypted: bool,
    scheme: &str,
) -> Option<()> {
    if !is_encrypted {
        let help = format!("write the URL with `{scheme}`");
        check.at_with_help(file, "`tls` for a URL without TLS", help);
    }
    is_encrypted.then_some(())
}

/// Names of options: the mode with its value, authorities and certificate; then the key.
type Options = ([(&'static str, &'static str); 2], &'static str);

fn in_url(
    check: &mut Check<'_>,
    file: &Spanned<TlsFile>,
    url: &Secret,
    tls: &Tls,
    ([(mode, verified), (ca, cert)], key): Options,
) -> Option<Secret> {
    let mut url = Url::parse(url.reveal()).ok()?;
    let given = url
        .query_pairs()
        .find(|(name, _)| [mode, ca, cert, key].contains(&&**name));
    if let Some((name, _)) = given {
        let message = format!("`tls` and `{name}` in the URL are both given");
        check.at_with_help(file, message, "leave one out");
        return None;
    }
    let mut options = vec![(mode, verified.to_owned())];
    if let Some(path) = &tls.ca_file {
        options.push((ca, path.to_string_lossy().into_owned()));
    }
    if let Some(client) = &tls.client {
        options.push((cert, client.cert_file.to_string_lossy().into_owned()));
        options.push((key, client.key_file.to_string_lossy().into_owned()));
    }
    url.query_pairs_mut().extend_pairs(options);
    Some(Secret::new(String::from(url)))
}
