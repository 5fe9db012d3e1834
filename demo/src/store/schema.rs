use super::{Pool, Store, StoreError};

/// Each statement leaves a table that is there as it is. Times are milliseconds since 1970.
const SQLITE: [&str; 8] = [
    "CREATE TABLE IF NOT EXISTS users (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        password_hash TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS tokens (
        token_hash TEXT PRIMARY KEY,
        user_id INTEGER NOT NULL,
        expires_at_ms INTEGER NOT NULL)",
    "CREATE INDEX IF NOT EXISTS tokens_of_user ON tokens (user_id)",
    "CREATE TABLE IF NOT EXISTS sessions (
        id TEXT PRIMARY KEY,
        title TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS members (
        user_id INTEGER NOT NULL,
        session_id TEXT NOT NULL,
        PRIMARY KEY (session_id, user_id))",
    "CREATE INDEX IF NOT EXISTS sessions_of_user ON members (user_id)",
    "CREATE TABLE IF NOT EXISTS messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        session_id TEXT NOT NULL,
        sender_id INTEGER NOT NULL,
        body TEXT NOT NULL,
        sent_at_ms INTEGER NOT NULL)",
    "CREATE INDEX IF NOT EXISTS messages_of_session ON messages (session_id, id)",
];

const MYSQL: [&str; 5] = [
    "CREATE TABLE IF NOT EXISTS users (
        id BIGINT PRIMARY KEY AUTO_INCREMENT,
        name VARCHAR(64) NOT NULL UNIQUE,
        password_hash VARCHAR(255) NOT NULL)
        DEFAULT CHARACTER SET utf8mb4",
    "CREATE TABLE IF NOT EXISTS tokens (
        token_hash VARCHAR(64) PRIMARY KEY,
        user_id BIGINT NOT NULL,
        expires_at_ms BIGINT NOT NULL,
        INDEX tokens_of_user (user_id))
        DEFAULT CHARACTER SET utf8mb4",
    "CREATE TABLE IF NOT EXISTS sessions (
        id VARCHAR(64) PRIMARY KEY,
        title VARCHAR(64) NOT NULL)
        DEFAULT CHARACTER SET utf8mb4",
    "CREATE TABLE IF NOT EXISTS members (
        user_id BIGINT NOT NULL,
        session_id VARCHAR(64) NOT NULL,
        PRIMARY KEY (session_id, user_id),
        INDEX sessions_of_user (user_id))
        DEFAULT CHARACTER SET utf8mb4",
    "CREATE TABLE IF NOT EXISTS messages (
        id BIGINT PRIMARY KEY AUTO_INCREMENT,
        session_id VARCHAR(64) NOT NULL,
        sender_id BIGINT NOT NULL,
        body TEXT NOT NULL,
        sent_at_ms BIGINT NOT NULL,
        INDEX messages_of_session (session_id, id))
        DEFAULT CHARACTER SET utf8mb4",
];

impl Store {
    pub(super) async fn create_tables(&self) -> Result<(), StoreError> {
        match &self.pool {
            Pool::Sqlite(sides) => {
                for statement in SQLITE {
                    sqlx::query(statement).execute(&sides.write).await?;
                }
            }
            Pool::MySql(sides) => {
                for statement in MYSQL {
                    sqlx::query(statement).execute(&sides.write).await?;
                }
            }
        }
        Ok(())
    }
}
