use super::*;
use crate::matchers;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn silence(id: &str, matchers: &str, starts: i64, ends: i64) -> Silence {
    Silence {
        id: id.to_owned(),
        matchers: matchers::parse(matchers).unwrap(),
        starts_at: at(starts),
        ends_at: at(ends),
        updated_at: at(0),
        created_by: "me".to_owned(),
        comment: "why".to_owned(),
    }
}

/// `id starts-ends state`, at 100 s.
fn shown(silences: &Silences) -> Vec<String> {
    let shown = silences.iter().map(|silence| {
        let (starts, ends) = (
            silence.starts_at.millis() / 1000,
            silence.ends_at.millis() / 1000,
        );
        format!(
            "{} {starts}-{ends} {}",
            silence.id,
            silence.state(at(100)).as_str()
        )
    });
    shown.collect()
}

#[test]
fn a_change_continues_a_silence_or_begins_a_new_one() {
    // (before, changed into, expected) at 100 s
    for (before, after, expected) in [
        (
            silence("a", "x=y", 50, 200),
            silence("a", "x=y", 50, 300),
            vec!["a 50-300 active"],
        ),
        (
            silence("a", "x=y", 50, 200),
            silence("a", "x=z", 50, 300),
            vec!["a 50-100 expired", "b 100-300 active"],
        ),
        (
            silence("a", "x=y", 50, 200),
            silence("a", "x=y", 60, 300),
            vec!["a 50-100 expired", "b 100-300 active"],
        ),
        (
            silence("a", "x=y", 150, 200),
            silence("a", "x=y", 160, 300),
            vec!["a 160-300 pending"],
        ),
        (
            silence("a", "x=y", 150, 200),
            silence("a", "x=z", 160, 300),
            vec!["a 100-100 expired", "b 160-300 pending"],
        ),
        (
            silence("a", "x=y", 50, 60),
            silence("a", "x=y", 50, 300),
            vec!["a 50-60 expired", "b 100-300 active"],
        ),
        (
            silence("a", "x=y", 50, 60),
            silence("", "x=y", 20, 300),
            vec!["a 50-60 expired", "b 100-300 active"],
        ),
    ] {
        let silences = Silences::new([before]);
        let (next, id) = silences.with(after, at(100), "b".to_owned()).unwrap();
        assert_eq!(shown(&next), expected);
        assert!(
            next.get(&id)
                .is_some_and(|silence| silence.ends_at >= at(300))
        );
    }
}

#[test]
fn what_says_nothing_is_refused() {
    for (silence, error) in [
        (
            silence("", "{}", 1, 2),
            "invalid silence: at least one matcher required",
        ),
        (
            silence("", r#"x=~".*""#, 1, 2),
            "invalid silence: at least one matcher must not match the empty string",
        ),
        (
            silence("", "x=y", 2, 1),
            "invalid silence: end time must not be before start time",
        ),
        (silence("c", "x=y", 1, 2), "silence c not found"),
    ] {
        let refused = Silences::default()
            .with(silence, at(100), "b".to_owned())
            .unwrap_err();
        assert_eq!(refused.to_string(), error);
    }
}

#[test]
fn ends_are_kept_for_a_while() {
    let silences = Silences::new([silence("a", "x=y", 50, 200)])
        .without("a", at(100))
        .unwrap();
    assert_eq!(shown(&silences), ["a 50-100 expired"]);
    let later = at(100).plus(KEPT);
    let (next, _) = silences
        .with(
            silence("", "x=y", 1, i64::MAX / 2000),
            later,
            "b".to_owned(),
        )
        .unwrap();
    assert_eq!(next.iter().count(), 1);
    assert!(silences.without("z", at(100)).is_err());
}

#[test]
fn only_what_matches_now_is_quiet() {
    let silences = Silences::new([
        silence("a", r#"x=~"y|z", n!=1"#, 50, 200),
        silence("b", "x=y", 150, 200),
    ]);
    let quiet = |labels: &[(&str, &str)], now: i64| {
        let labels = Labels::from_pairs(labels.iter().copied()).unwrap();
        silences
            .of(&labels, at(now))
            .map(|silence| silence.id.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(quiet(&[("x", "y")], 100), ["a"]);
    assert_eq!(quiet(&[("x", "y")], 150), ["a", "b"]);
    assert_eq!(quiet(&[("x", "y")], 200), [""; 0]);
    assert_eq!(quiet(&[("x", "y"), ("n", "1")], 100), [""; 0]);
}

#[test]
fn the_file_gives_back_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let (file, none) = SilenceFile::open(folder.path()).unwrap();
    assert_eq!(none, Silences::default());
    let silences = Silences::new([
        silence("a", r#"x=~"y|z", "n 1"!="\"""#, 50, 200),
        silence("b", "x!~y", 150, 200),
    ]);
    file.write(&silences).unwrap();
    assert_eq!(SilenceFile::open(folder.path()).unwrap().1, silences);

    std::fs::write(folder.path().join("silences"), "{\"version\":1,\"sil").unwrap();
    assert_eq!(
        SilenceFile::open(folder.path()).unwrap().1,
        Silences::default()
    );
    assert!(folder.path().join("silences.damaged").exists());
    std::fs::write(folder.path().join("silences"), "{\"version\":2}").unwrap();
    let error = SilenceFile::open(folder.path()).unwrap_err();
    assert!(
        error.to_string().contains("newer than this program"),
        "{error}"
    );
}
