//! HTTP clients as `http_config` asks for them.

use std::io;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Identity, Proxy, RequestBuilder};

use crate::config::{Auth, HttpConfig, SecretSource, TlsConfig};

/// Why a client cannot be built. The texts hold nothing secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// A certificate or key cannot be read.
    #[error("{what} cannot be read")]
    Read {
        what: &'static str,
        source: io::Error,
    },
    /// A certificate or key is not what it should be.
    #[error("{0} is not in PEM format")]
    Pem(&'static str),
    /// The settings of a mail server cannot be used.
    #[error("the mail server's settings cannot be used: {0}")]
    Mail(String),
    /// The library refuses the settings.
    #[error("the HTTP client cannot be built: {0}")]
    Build(#[source] reqwest::Error),
}

const USER_AGENT: &str = concat!("Stonechat/", env!("CARGO_PKG_VERSION"));

/// How long a connection may take to come about. A request that was not begun can be repeated without harm.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// The most redirects that are followed, as in Go.
const REDIRECTS_MAX: usize = 10;

/// The clients of one configuration: receivers with the same settings share one, since each reads all certificates
/// of the system.
#[derive(Default)]
pub(crate) struct Clients(Vec<(HttpConfig, Client)>);

impl Clients {
    /// A client with these settings. The process must have a default TLS provider.
    pub(crate) fn get(&mut self, config: &HttpConfig) -> Result<Client, ClientError> {
        if let Some((_, client)) = self.0.iter().find(|(known, _)| known == config) {
            return Ok(client.clone());
        }
        let client = build(config)?;
        self.0.push((config.clone(), client.clone()));
        Ok(client)
    }
}

fn build(config: &HttpConfig) -> Result<Client, ClientError> {
    let build = |builder: ClientBuilder| {
        let built = builder.build();
        built.map_err(|error| ClientError::Build(error.without_url()))
    };
    let error = match build(builder(config)?) {
        Ok(client) => return Ok(client),
        Err(error) => error,
    };
    // A machine without certificates of authorities cannot check anyone, but can send without encryption.
    let unchecked = builder(config)?.tls_certs_only([]);
    let client = build(unchecked).map_err(|_| error)?;
    tracing::warn!(
        "no certificates of authorities are installed: messages to https addresses will fail"
    );
    Ok(client)
}

fn builder(config: &HttpConfig) -> Result<ClientBuilder, ClientError> {
    let redirects = match config.follow_redirects {
        true => Policy::limited(REDIRECTS_MAX),
        false => Policy::none(),
    };
    // Like Prometheus, and unlike the library, no proxy is taken from the environment.
    let mut builder = Client::builder()
        .user_agent(USER_AGENT)
        .redirect(redirects)
        .connect_timeout(CONNECT_TIMEOUT)
        .no_proxy();
    if let Some(proxy) = &config.proxy_url {
        let proxy = Proxy::all(proxy.reveal());
        let proxy = proxy.map_err(|error| ClientError::Build(error.without_url()))?;
        builder = builder.proxy(proxy);
    }
    trust(builder, &config.tls)
}

/// Adds whom to trust, and with which certificate to answer.
fn trust(mut builder: ClientBuilder, tls: &TlsConfig) -> Result<ClientBuilder, ClientError> {
    if let Some(ca) = &tls.ca {
        let what = "the certificate of the authority";
        let pem = read(what, ca)?;
        let certificates = Certificate::from_pem_bundle(pem.as_bytes())
            .ok()
            .filter(|certificates| !certificates.is_empty())
            .ok_or(ClientError::Pem(what))?;
        builder = builder.tls_certs_only(certificates);
    }
    if let (Some(cert), Some(key)) = (&tls.cert, &tls.key) {
        let cert = read("the client's certificate", cert)?;
        let pem = format!("{cert}\n{}\n", read("the client's key", key)?);
        let identity = Identity::from_pem(pem.as_bytes())
            .map_err(|_| ClientError::Pem("the client's certificate or key"))?;
        builder = builder.identity(identity);
    }
    Ok(builder.tls_danger_accept_invalid_certs(tls.skip_verify))
}

fn read(what: &'static str, secret: &SecretSource) -> Result<String, ClientError> {
    let read = secret
        .read()
        .map_err(|source| ClientError::Read { what, source })?;
    Ok(read.reveal().to_owned())
}

/// Adds the header `Authorization`. Files are read each time, so that a changed password needs no reload.
pub(crate) fn authorize(
    request: RequestBuilder,
    auth: Option<&Auth>,
) -> Result<RequestBuilder, io::Error> {
    Ok(match auth {
        None => request,
        Some(Auth::Basic { username, password }) => {
            let password = password.as_ref().map(SecretSource::read).transpose()?;
            let password = password.as_ref().map(stonechat_model::Secret::reveal);
            request.basic_auth(username.read()?.reveal(), password)
        }
        Some(Auth::Scheme {
            scheme,
            credentials,
        }) => request.header(
            reqwest::header::AUTHORIZATION,
            format!("{scheme} {}", credentials.read()?.reveal()),
        ),
    })
}
