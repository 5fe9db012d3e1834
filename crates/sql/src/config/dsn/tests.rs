use super::*;

/// The URL or path, and behind it what was warned of.
fn shown(read: Result<Dsn, String>) -> String {
    let dsn = match read {
        Ok(dsn) => dsn,
        Err(error) => return format!("error: {error}"),
    };
    let url = match &dsn.kind {
        SourceKind::MySql(url) | SourceKind::Postgres(url) | SourceKind::ClickHouse(url) => {
            url.reveal().to_owned()
        }
        SourceKind::Sqlite(path) => format!("sqlite {path}"),
        other => format!("{other:?}"),
    };
    let warnings = dsn.warnings.iter().map(|warning| format!("; {warning}"));
    url + &warnings.collect::<String>()
}

#[test]
fn reads_what_go_reads() {
    for (text, expected) in [
        ("mysql://u:p@tcp(db:3307)/chat", "mysql://u:p@db:3307/chat"),
        (
            "mysql://u:p@ss:w/rd@tcp(db)/chat",
            "mysql://u:p%40ss%3Aw%2Frd@db:3306/chat",
        ),
        ("mysql://root@/chat", "mysql://root@127.0.0.1:3306/chat"),
        ("mysql://u@tcp([::1]:3306)/", "mysql://u@[::1]:3306"),
        (
            "mysql://u@unix(/run/m.sock)/chat?parseTime=true&charset=utf8mb4,utf8",
            "mysql://u@localhost/chat?charset=utf8mb4&socket=%2Frun%2Fm.sock",
        ),
        (
            "mysql:/run/m.sock",
            "mysql://localhost?socket=%2Frun%2Fm.sock",
        ),
        (
            "mysql://u:p%40@db:3306/chat?tls=skip-verify&readTimeout=3s",
            "mysql://u:p%40@db:3306/chat?ssl-mode=REQUIRED; the option `readTimeout` has no effect here",
        ),
        (
            "mysql://u@db/chat?tls=custom",
            "error: `tls=custom` is not supported yet; true, false, skip-verify and preferred are",
        ),
        (
            "mysql://u@udp(db:1)/x",
            "error: the network `udp` is not known; tcp and unix are",
        ),
        ("mysql://u@tcp(db:x)/x", "error: `x` is not a port"),
        (
            "postgresql://u:p@db:5433/shop?sslmode=disable",
            "postgres://u:p@db:5433/shop?sslmode=disable",
        ),
        (
            "postgres://u@db/shop?search_path=a&statement_timeout=5000",
            "postgres://u@db/shop?options=-c+search_path%3Da+-c+statement_timeout%3D5000",
        ),
        (
            "postgresql://postgres@/var/run/postgresql/foo?sslmode=disable",
            "postgres://postgres@localhost/foo?sslmode=disable&host=%2Fvar%2Frun%2Fpostgresql",
        ),
        (
            "postgresql://postgres@/var/run/postgresql?sslmode=disable",
            "postgres://postgres@localhost?sslmode=disable&host=%2Fvar%2Frun%2Fpostgresql",
        ),
    ] {
        assert_eq!(shown(go(text)), expected, "{text}");
    }
}

#[test]
fn reads_other_drivers_of_go() {
    for (text, expected) in [
        ("sqlite3:/var/lib/app.db", "sqlite /var/lib/app.db"),
        ("sqlite://app.db", "sqlite app.db"),
        (
            "file:app.db?mode=ro&cache=shared",
            "sqlite app.db; the option `cache` has no effect here",
        ),
        (
            "sqlite3::memory:",
            "error: a database in memory is empty; give the path of a file",
        ),
        (
            "clickhouse://ch:9000?username=u&password=p&database=web",
            "http://u:p@ch:8123/?database=web; ClickHouse is asked over HTTP, at port 8123",
        ),
        (
            "clickhouse+http://u:p@ch:8124/web",
            "http://u:p@ch:8124/?database=web",
        ),
        (
            "clickhouse://ch:9001/web",
            "error: ClickHouse's own protocol at port 9001 is not supported yet; write `clickhouse+http://` and the port for HTTP",
        ),
        (
            "sqlserver://u:p@db:1433/x",
            "error: SQL Server is not supported yet",
        ),
        (
            "rds-mysql://u@tcp(db)/x",
            "error: an RDS token as password is not supported yet",
        ),
        (
            "cloudsql+postgres://u@p:r:i/x",
            "error: the Cloud SQL connector is not supported yet",
        ),
        (
            "hashivault://kv/db?key=dsn",
            "error: Vault is not supported yet",
        ),
        (
            "foo://db",
            "error: the driver `foo` is not known; mysql, postgres, sqlite and clickhouse are",
        ),
        (
            "u:hunter2@tcp(db)/x",
            "error: the driver `u` is not known; mysql, postgres, sqlite and clickhouse are",
        ),
        (
            "db",
            "error: there is no driver in front; write `driver://user@host:port/name`",
        ),
    ] {
        assert_eq!(shown(go(text)), expected, "{text}");
    }
}

#[test]
fn reads_what_sqlalchemy_reads() {
    for (text, expected) in [
        (
            "postgresql+psycopg2://u:p@db/shop",
            "postgres://u:p@db/shop",
        ),
        ("mysql+pymysql://u:p@db/chat", "mysql://u:p@db/chat"),
        (
            "mariadb+mysqldb://u@db:3307/chat?charset=utf8mb4",
            "mysql://u@db:3307/chat?charset=utf8mb4",
        ),
        ("sqlite:///app.db", "sqlite app.db"),
        ("sqlite:////var/app.db", "sqlite /var/app.db"),
        (
            "sqlite://",
            "error: a database in memory is empty; give the path of a file",
        ),
        (
            "clickhouse+http://u@ch/web",
            "http://u@ch:8123/?database=web",
        ),
        (
            "mssql+pymssql://u:p@db/x",
            "error: SQL Server is not supported yet",
        ),
        (
            "oracle+oracledb://u:p@db",
            "error: Oracle is not supported yet",
        ),
    ] {
        assert_eq!(shown(sqlalchemy(text)), expected, "{text}");
    }
}

#[test]
fn startup_statements_become_settings() {
    let mut dsn = go("postgres://u@db/shop?sslmode=disable").unwrap();
    dsn.startup("SET lock_timeout = 1000;").unwrap();
    dsn.startup("set session search_path to 'a, b'").unwrap();
    let settings = "options=-c+lock_timeout%3D1000+-c+search_path%3Da%2C%5C+b";
    assert_eq!(
        shown(Ok(dsn.clone())),
        format!("postgres://u@db/shop?sslmode=disable&{settings}")
    );
    assert!(dsn.startup("DELETE FROM x").is_err());
    assert!(dsn.startup("SET ROLE admin").is_err());
    assert!(go("mysql://u@db/x").unwrap().startup("SET a = 1").is_err());
}
