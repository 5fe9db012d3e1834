//! Email.

mod config; // as it is written, and checked

use std::time::Duration;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailboxes, Message, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, Identity, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

pub(crate) use self::config::EmailConfig;
use crate::answer::{Answer, Verdict};
use crate::config::SecretSource;
use crate::http::ClientError;
use crate::template::Renderer;

/// How long a connection may be silent, and how long a whole attempt may take.
const SILENCE_MAX: Duration = Duration::from_secs(20);
const TIMEOUT: Duration = Duration::from_secs(60);

/// Sends by one mail server.
#[derive(Debug)]
pub(crate) struct EmailSender {
    config: EmailConfig,
    tls: Tls,
}

impl EmailSender {
    pub(crate) fn new(config: EmailConfig) -> Result<Self, ClientError> {
        Ok(Self {
            tls: tls(&config)?,
            config,
        })
    }

    pub(crate) fn timeout(&self) -> Duration {
        TIMEOUT
    }

    /// Makes one attempt, over a connection of its own.
    pub(crate) async fn send(&self, renderer: &Renderer<'_>) -> Answer {
        let message = match self.message(renderer) {
            Ok(message) => message,
            Err(text) => {
                return Answer::new(
                    Verdict::Refused,
                    format!("the message cannot be written: {text}"),
                );
            }
        };
        let transport = match self.transport() {
            Ok(transport) => transport,
            Err(error) => {
                return Answer::new(
                    Verdict::Retry(None),
                    format!("the file with the password cannot be read: {error}"),
                );
            }
        };
        match transport.send(message).await {
            Ok(response) => {
                let text: Vec<&str> = response.message().collect();
                Answer::new(
                    Verdict::Delivered,
                    format!("{} {}", response.code(), text.join(" ")),
                )
            }
            // What is neither this nor that is a connection that failed.
            Err(error) if error.is_permanent() => Answer::new(Verdict::Refused, describe(&error)),
            Err(error) => Answer::new(Verdict::Retry(None), describe(&error)),
        }
    }

    fn transport(&self) -> std::io::Result<AsyncSmtpTransport<Tokio1Executor>> {
        let config = &self.config;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host)
            .port(config.port)
            .hello_name(ClientId::Domain(config.hello.clone()))
            .timeout(Some(SILENCE_MAX))
            .tls(self.tls.clone());
        if let Some((username, password)) = &config.login {
            let password = password.read()?;
            builder = builder
                .credentials(Credentials::new(
                    username.clone(),
                    password.reveal().to_owned(),
                ))
                .authentication(vec![Mechanism::Plain, Mechanism::Login]);
        }
        Ok(builder.build())
    }

    fn message(&self, renderer: &Renderer<'_>) -> Result<Message, String> {
        let config = &self.config;
        let fill = |template: &str| renderer.text(template).map_err(|error| error.to_string());
        let addresses = |template: &str, what: &str| -> Result<Mailboxes, String> {
            let text = fill(template)?;
            text.parse()
                .map_err(|error| format!("{text:?} in `{what}` is no address: {error}"))
        };
        let mut builder = Message::builder();
        for sender in addresses(&config.from, "from")? {
            builder = builder.from(sender);
        }
        for recipient in addresses(&config.to, "to")? {
            builder = builder.to(recipient);
        }
        builder = builder.subject(one_line(&fill(&config.subject)?));
        for (name, template) in &config.headers {
            let header =
                HeaderName::new_from_ascii(name.clone()).map_err(|error| error.to_string())?;
            builder = builder.raw_header(HeaderValue::new(header, one_line(&fill(template)?)));
        }
        let text = fill(&config.text)?;
        let html = renderer
            .html(&config.html)
            .map_err(|error| error.to_string())?;
        let built = match (text.is_empty(), html.is_empty()) {
            (false, false) => builder.multipart(MultiPart::alternative_plain_html(text, html)),
            (true, false) => builder.singlepart(SinglePart::html(html)),
            (_, true) => builder.header(ContentType::TEXT_PLAIN).body(text),
        };
        built.map_err(|error| error.to_string())
    }
}

/// A header has one line; another one in a label would begin a header of its own.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn describe(error: &lettre::transport::smtp::Error) -> String {
    use std::error::Error as _;
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn tls(config: &EmailConfig) -> Result<Tls, ClientError> {
    let mut builder = TlsParameters::builder(config.host.clone())
        .dangerous_accept_invalid_certs(config.tls.skip_verify);
    if let Some(ca) = &config.tls.ca {
        let what = "the certificate of the authority";
        let pem = read(what, ca)?;
        let certificate =
            Certificate::from_pem(pem.as_bytes()).map_err(|_| ClientError::Pem(what))?;
        builder = builder.add_root_certificate(certificate);
    }
    if let (Some(cert), Some(key)) = (&config.tls.cert, &config.tls.key) {
        let what = "the client's certificate or key";
        let (cert, key) = (read(what, cert)?, read(what, key)?);
        let identity = Identity::from_pem(cert.as_bytes(), key.as_bytes())
            .map_err(|_| ClientError::Pem(what))?;
        builder = builder.identify_with(identity);
    }
    let parameters = builder
        .build_rustls()
        .map_err(|error| ClientError::Mail(error.to_string()))?;
    Ok(match (config.implicit_tls, config.require_tls) {
        (true, _) => Tls::Wrapper(parameters),
        (false, true) => Tls::Required(parameters),
        (false, false) => Tls::Opportunistic(parameters),
    })
}

fn read(what: &'static str, secret: &SecretSource) -> Result<String, ClientError> {
    let secret = secret
        .read()
        .map_err(|source| ClientError::Read { what, source })?;
    Ok(secret.reveal().to_owned())
}
