//! Reading statements that do more than read: functions that change the server or hold on to something there, and reads that lock rows. A
//! read-only session allows most of them, and one of them, `set_config`, would end it.

use super::lexer::Token;
use super::{Dialect, refused};
use crate::source::SourceError;

const MYSQL: [&str; 8] = [
    "get_lock",
    "release_lock",
    "release_all_locks",
    "nextval",
    "setval",
    "sys_eval",
    "sys_exec",
    "sys_set",
];

const POSTGRES: [&str; 36] = [
    "dblink",
    "lowrite",
    "nextval",
    "pg_backup_start",
    "pg_backup_stop",
    "pg_cancel_backend",
    "pg_create_logical_replication_slot",
    "pg_create_physical_replication_slot",
    "pg_create_restore_point",
    "pg_drop_replication_slot",
    "pg_export_snapshot",
    "pg_import_system_collations",
    "pg_log_backend_memory_contexts",
    "pg_log_standby_snapshot",
    "pg_logical_emit_message",
    "pg_logical_slot_get_binary_changes",
    "pg_logical_slot_get_changes",
    "pg_notify",
    "pg_prewarm",
    "pg_promote",
    "pg_reload_conf",
    "pg_rotate_logfile",
    "pg_start_backup",
    "pg_stat_statements_reset",
    "pg_stop_backup",
    "pg_switch_wal",
    "pg_switch_xlog",
    "pg_sync_replication_slots",
    "pg_terminate_backend",
    "pg_wal_replay_pause",
    "pg_wal_replay_resume",
    "set_config",
    "setval",
    "pg_current_xact_id",
    "txid_current",
    "pg_file_write",
];

/// Families of functions, by how their names begin.
const POSTGRES_FAMILIES: [&str; 10] = [
    "binary_upgrade_",
    "dblink_",
    "lo_",
    "pg_advisory_",
    "pg_copy_",
    "pg_file_",
    "pg_replication_",
    "pg_stat_reset",
    "pg_try_advisory_",
    "pg_clear_",
];

const SQLITE: [&str; 3] = ["load_extension", "writefile", "fts3_tokenizer"];

/// Refuses what has an effect.
pub(super) fn check(dialect: Dialect, tokens: &[Token<'_>]) -> Result<(), SourceError> {
    for position in 0..tokens.len() {
        let next = tokens.get(position + 1);
        if matches!(next, Some(Token::Mark('(', _)))
            && let Some(name) = function(dialect, tokens, position)?
            && has_effect(dialect, &name)
        {
            return refused(format!(
                "the function `{name}` does more than read, and only statements that read are allowed"
            ));
        }
        locks_or_draws(&tokens[position..])?;
    }
    Ok(())
}

/// Refuses what begins here, if it locks rows or draws the next number of a sequence.
fn locks_or_draws(tokens: &[Token<'_>]) -> Result<(), SourceError> {
    let begins = |words: &[&str]| {
        let found = tokens.iter().map_while(Token::word);
        words.len() <= tokens.len()
            && found
                .zip(words)
                .filter(|(found, word)| found.eq_ignore_ascii_case(word))
                .count()
                == words.len()
    };
    if begins(&["NEXT", "VALUE", "FOR"]) {
        return refused("NEXT VALUE FOR changes the sequence");
    }
    const LOCKS: [&[&str]; 5] = [
        &["FOR", "UPDATE"],
        &["FOR", "SHARE"],
        &["FOR", "NO", "KEY", "UPDATE"],
        &["FOR", "KEY", "SHARE"],
        &["LOCK", "IN", "SHARE", "MODE"],
    ];
    match LOCKS.iter().find(|words| begins(words)) {
        Some(words) => refused(format!(
            "{} locks rows, and only statements that read are allowed",
            words.join(" ")
        )),
        None => Ok(()),
    }
}

/// The name of a function in small letters, in quotes or not; nothing where the token is no name.
fn function(
    dialect: Dialect,
    tokens: &[Token<'_>],
    position: usize,
) -> Result<Option<String>, SourceError> {
    match tokens[position] {
        Token::Word(name, _) => Ok(Some(name.to_lowercase())),
        Token::Quoted(text) => {
            let before = position
                .checked_sub(2)
                .map(|start| &tokens[start..position]);
            let is_coded = matches!(before, Some([Token::Word(word, _), Token::Mark('&', _)])
                if word.eq_ignore_ascii_case("U"));
            if dialect == Dialect::Postgres && is_coded {
                return refused("the name of a function in U&\"…\": write it plainly");
            }
            let inner = text.get(1..text.len().saturating_sub(1));
            Ok(inner.map(str::to_lowercase))
        }
        _ => Ok(None),
    }
}

fn has_effect(dialect: Dialect, name: &str) -> bool {
    match dialect {
        Dialect::MySql => MYSQL.contains(&name),
        Dialect::Postgres => {
            let family = POSTGRES_FAMILIES
                .iter()
                .any(|begin| name.starts_with(begin));
            family || POSTGRES.contains(&name)
        }
        Dialect::Sqlite => SQLITE.contains(&name),
        // Its setting `readonly` refuses these itself.
        Dialect::ClickHouse => false,
    }
}
