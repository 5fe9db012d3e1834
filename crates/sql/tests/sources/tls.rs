//! Servers whose certificate is from an authority of our own: found good when we are told about it, and refused when not.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use stonechat_sql::config;
use stonechat_sql::plan::{Request, RestRequest};
use stonechat_sql::rows::Value::Int;
use stonechat_sql::source::{Ask, SourceError, open};

use crate::servers::{RedisServer, free_port, mariadb, postgres, user_of_postgres};
use crate::setup::{Terms, ask_on, until};

/// Files of an authority, a server and a client.
struct Certificates(tempfile::TempDir);

impl Certificates {
    /// Nothing, and a printed reason, where openssl is not installed.
    fn make() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let made = |arguments: &str| {
            let mut command = Command::new("openssl");
            command
                .args(arguments.split(' '))
                .current_dir(folder.path());
            command.stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        let of_server = "subjectAltName=DNS:localhost,IP:127.0.0.1";
        fs::write(folder.path().join("server.ext"), of_server).expect("a file");
        let is_made = made(
            "req -x509 -newkey rsa:2048 -nodes -days 2 -keyout ca.key -out ca.pem -subj /CN=authority",
        ) && made(
            "req -x509 -newkey rsa:2048 -nodes -days 2 -keyout other.key -out other.pem -subj /CN=other",
        ) && ["server", "client"].into_iter().all(|name| {
            made(&format!(
                "req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}"
            )) && made(&format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out {name}.pem -extfile server.ext"
            ))
        });
        if !is_made {
            eprintln!("skipped: openssl, which makes the certificates, is not installed");
            return None;
        }
        Some(Self(folder))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }
}

/// A source, from a file as people write it.
fn source(certificates: &Certificates, written: &str) -> std::sync::Arc<dyn Ask> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let text = format!("sources: {{db: {{{written}}}}}\nqueries: {{}}\n");
    let loaded = config::parse(&certificates.path("sql.yml"), &text);
    let loaded = loaded.unwrap_or_else(|problems| panic!("{text}: {problems}"));
    open(&loaded.plan.sources["db"])
}

async fn one(source: &dyn Ask, request: &Request) -> Result<i64, SourceError> {
    let rows = ask_on(source, request, &Terms::default()).await?;
    match rows.rows[0][0] {
        Int(number) => Ok(number),
        ref other => panic!("{other:?}"),
    }
}

/// The right authority is believed, another one and those of the system are not.
async fn check(certificates: &Certificates, kind: &str, request: Request) {
    let good = source(certificates, &format!("{kind}, tls: {{ca_file: ca.pem}}"));
    until("the server answers", async || {
        one(&*good, &request).await.is_ok()
    })
    .await;
    assert_eq!(one(&*good, &request).await.expect(kind), 5, "{kind}");
    for tls in ["{ca_file: other.pem}", "{}"] {
        let bad = source(certificates, &format!("{kind}, tls: {tls}"));
        let answer = one(&*bad, &request).await;
        let Err(SourceError::Connect(reason)) = &answer else {
            panic!("{kind} with {tls}: {answer:?}");
        };
        let reason = reason.to_lowercase();
        assert!(
            reason.contains("certificate") || reason.contains("issuer"),
            "{kind} with {tls}: {reason}"
        );
    }
}

#[tokio::test]
async fn mariadb_has_to_show_a_certificate() {
    let Some(certificates) = Certificates::make() else {
        return;
    };
    let (folder, port) = (tempfile::tempdir().expect("a folder"), free_port());
    let options = [
        "--require-secure-transport=ON".to_owned(),
        format!("--ssl-cert={}", certificates.text("server.pem")),
        format!("--ssl-key={}", certificates.text("server.key")),
    ];
    let Some(_server) = mariadb(folder.path(), port, &options) else {
        return;
    };
    let kind = format!("mysql: 'mysql://root@127.0.0.1:{port}/mysql'");
    check(&certificates, &kind, Request::Sql("SELECT 5".to_owned())).await;
}

#[tokio::test]
async fn postgres_has_to_show_a_certificate() {
    let Some(certificates) = Certificates::make() else {
        return;
    };
    let (folder, port) = (tempfile::tempdir().expect("a folder"), free_port());
    // PostgreSQL wants its key to be its own.
    let own = |name: &str| {
        let file = folder.path().join(name);
        fs::copy(certificates.path(name), &file).expect("a copy");
        give(&file);
        file.display().to_string()
    };
    give(folder.path());
    let options = [
        "--ssl=on".to_owned(),
        format!("--ssl_cert_file={}", own("server.pem")),
        format!("--ssl_key_file={}", own("server.key")),
    ];
    let Some(_server) = postgres(folder.path(), port, &options) else {
        return;
    };
    let kind = format!("postgres: 'postgres://postgres@127.0.0.1:{port}/postgres'");
    check(&certificates, &kind, Request::Sql("SELECT 5".to_owned())).await;
}

/// A file becomes that of the user of PostgreSQL.
fn give(path: &Path) {
    if let Some((uid, gid)) = user_of_postgres() {
        std::os::unix::fs::chown(path, Some(uid), Some(gid)).expect("we are root");
    }
}

#[tokio::test]
async fn redis_has_to_show_a_certificate_and_to_see_ours() {
    let Some(certificates) = Certificates::make() else {
        return;
    };
    let (cert, key) = (
        certificates.text("server.pem"),
        certificates.text("server.key"),
    );
    let ca = certificates.text("ca.pem");
    let request = Request::Redis {
        command: ["STRLEN", "five"].map(str::to_owned).to_vec(),
    };
    for clients in ["no", "yes"] {
        let options = [
            "--save",
            "",
            "--tls-cert-file",
            &cert,
            "--tls-key-file",
            &key,
            "--tls-ca-cert-file",
            &ca,
            "--tls-auth-clients",
            clients,
        ];
        let Some(server) = RedisServer::start(&options).await else {
            return;
        };
        let kind = format!("redis: '{}'", server.url());
        let ours = "tls: {ca_file: ca.pem, cert_file: client.pem, key_file: client.key}";
        let with_ours = source(&certificates, &format!("{kind}, {ours}"));
        let zero = one(&*with_ours, &request).await.expect("both are known");
        assert_eq!(zero, 0, "there is no such key");
        if clients == "yes" {
            let without = source(&certificates, &format!("{kind}, tls: {{ca_file: ca.pem}}"));
            let answer = one(&*without, &request).await;
            assert!(matches!(answer, Err(SourceError::Connect(_))), "{answer:?}");
            continue;
        }
        let mut set = redis::cmd("SET");
        let client = redis::Client::build_with_tls(
            server.url(),
            redis::TlsCertificates {
                client_tls: None,
                root_cert: Some(fs::read(certificates.path("ca.pem")).expect("a file")),
            },
        );
        let mut admin = client
            .expect("a URL")
            .get_multiplexed_async_connection()
            .await
            .expect("the server");
        let _: redis::Value = set
            .arg("five")
            .arg("12345")
            .query_async(&mut admin)
            .await
            .expect("SET");
        check(&certificates, &kind, request.clone()).await;
    }
}

/// A REST service and ClickHouse share one client.
#[tokio::test]
async fn a_rest_service_has_to_show_a_certificate() {
    let Some(certificates) = Certificates::make() else {
        return;
    };
    let port = free_port();
    let mut server = Command::new("openssl");
    server.args(["s_server", "-quiet", "-WWW", "-accept", &port.to_string()]);
    server.args(["-cert", "server.pem", "-key", "server.key"]);
    server.current_dir(certificates.0.path());
    fs::write(certificates.path("five.json"), "{\"value\": 5}").expect("a file");
    let server = server
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _server = Ended(server.expect("openssl is installed"));
    let rest = RestRequest {
        method: "GET".to_owned(),
        path: "/five.json".to_owned(),
        headers: BTreeMap::new(),
        body: None,
        rows: "$".to_owned(),
        columns: BTreeMap::new(),
        retries: 0,
    };
    let kind = format!("rest: 'https://localhost:{port}'");
    check(&certificates, &kind, Request::Rest(rest)).await;
}

struct Ended(Child);

/// Ends with its test.
impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
