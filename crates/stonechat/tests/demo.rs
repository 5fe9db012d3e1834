//! The demonstration: a slow database, an alert that rises, is delivered, and ends.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use support::{PATIENCE, program, read_lines, request};

/// A first port with 16 free ones behind it.
fn port_base() -> u16 {
    loop {
        let base = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        if base < u16::MAX - 16
            && (0..16).all(|offset| TcpListener::bind(("127.0.0.1", base + offset)).is_ok())
        {
            return base;
        }
    }
}

fn demo(base: u16, arguments: &[&str]) -> Child {
    let mut command = program();
    command
        .args(["demo", "--users", "40", "--port-base", &base.to_string()])
        .args(arguments);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn terminate(child: &Child, signal: &str) {
    assert!(
        Command::new("kill")
            .arg(signal)
            .arg(child.id().to_string())
            .status()
            .unwrap()
            .success()
    );
}

/// True when nothing listens on any port of the demo any more.
fn is_gone(base: u16) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let open = (0..12).any(|offset| {
            TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], base + offset))).is_ok()
        });
        if !open {
            return true;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    false
}

/// A fault is followed by its alert, which is told to a person, and so is its end.
fn check_fault(fault: &str, alert: &str) {
    let base = port_base();
    let mut child = demo(
        base,
        &[
            "--for",
            "3m",
            "--fault",
            fault,
            "--fault-after",
            "2s",
            "--fault-for",
            "12s",
        ],
    );
    let lines = read_lines(child.stdout.take().unwrap());
    let deadline = Instant::now() + 3 * PATIENCE;
    let expected = [
        &format!("fault {fault} on"),
        "pending",
        "firing",
        "told that it fires",
        &format!("fault {fault} off"),
        "told that it is over",
    ];
    let (mut steps, mut seen) = (expected.iter().peekable(), Vec::new());
    while let Some(step) = steps.peek() {
        let line = lines
            .recv_timeout(deadline - Instant::now())
            .unwrap_or_else(|_| panic!("no {step:?} after {seen:#?}"));
        let about_it = step.starts_with("fault") || line.contains(alert);
        if about_it && line.contains(**step) {
            steps.next();
        }
        seen.push(line);
    }
    terminate(&child, "-TERM");
    assert!(child.wait().unwrap().success());
    let rest: Vec<String> = lines.iter().collect();
    let summary = rest.last().unwrap();
    assert!(
        summary.contains(&format!("{alert} pending at")),
        "{rest:#?}"
    );
    assert!(is_gone(base), "something still listens");
}

#[test]
fn a_slow_database_is_told_to_a_person_and_so_is_its_end() {
    check_fault("slow-db", "ChatMessageLatencyHigh");
}

#[test]
fn lost_media_is_told_to_a_person_and_so_is_its_end() {
    check_fault("lossy-media", "MediaPacketLossHigh");
}

#[test]
fn it_ends_by_itself_with_one_line() {
    let base = port_base();
    let output = demo(base, &["--for", "3s"]).wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert_eq!(
        text.lines().last(),
        Some("demo of 3s with 40 people: nobody had to be told anything")
    );
    assert!(is_gone(base), "something still listens");
}

#[test]
fn a_hangup_reloads_and_nothing_is_left_when_it_is_killed() {
    let base = port_base();
    let mut child = demo(base, &[]);
    let lines = read_lines(child.stdout.take().unwrap());
    while !lines
        .recv_timeout(PATIENCE)
        .expect("the screen")
        .contains("Ctrl-C stops everything")
    {}
    let read_at = || {
        let server = SocketAddr::from(([127, 0, 0, 1], base));
        let (_, status) = request(server, "GET", "/api/stonechat/v1/status");
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        status["data"]["config"]["last_reload_at"].to_string()
    };
    let before = read_at();
    terminate(&child, "-HUP");
    while !lines
        .recv_timeout(PATIENCE)
        .expect("the reload")
        .contains("the server reads its files again")
    {}
    let deadline = Instant::now() + PATIENCE;
    while read_at() == before {
        assert!(Instant::now() < deadline, "the server did not reload");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    terminate(&child, "-KILL");
    child.wait().unwrap();
    assert!(is_gone(base), "children outlived their parent");
}

#[test]
fn a_taken_port_and_an_unknown_fault_are_refused_with_a_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = taken.local_addr().unwrap().port().to_string();
    for (arguments, said) in [
        (
            ["demo", "--port-base", &base],
            "choose other ports with --port-base",
        ),
        (["demo", "--fault", "slow-bd"], "did you mean slow-db?"),
    ] {
        let output = program().args(arguments).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && text.contains(said), "{text}");
    }
}
