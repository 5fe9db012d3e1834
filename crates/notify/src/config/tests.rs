use std::path::Path;

use super::*;
use crate::channel::Channel;

/// The lines of a message that say what is wrong and where: `message at LINE:COLUMN (help)`.
fn problems(text: &str) -> Vec<String> {
    let problems = match Config::parse(Path::new("a.yml"), text) {
        Ok(_) => return vec!["taken".to_owned()],
        Err(problems) => problems.0,
    };
    let shown = problems.into_iter().map(|problem| {
        let place = problem.place.map_or(String::new(), |(line, column)| {
            format!(" at {line}:{column}")
        });
        let help = problem
            .help
            .map_or(String::new(), |help| format!(" ({help})"));
        format!("{}{place}{help}", problem.message)
    });
    shown.collect()
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(problems(text), expected, "{text}");
}

const GOOD: &str = r"
global:
  resolve_timeout: 2m
  smtp_smarthost: 'localhost:25'
  http_config: {follow_redirects: false}
templates: ['/etc/alertmanager/template/*.tmpl']
route:
  receiver: all
  group_by: [alertname, cluster]
  routes:
  - match: {service: files, number: 2}
    match_re: {cluster: 'a|b'}
    matchers: ['severity=critical', 'team!=web']
    receiver: files
    group_wait: 10s
    mute_time_intervals: [night]
    continue: true
    routes:
    - {group_by: ['...'], repeat_interval: 1d}
receivers:
- name: all
- name: files
  webhook_configs:
  - {url: 'http://127.0.0.1:1/token', send_resolved: false, max_alerts: 5, timeout: 1m30s}
  - url_file: secrets/url
    http_config: {basic_auth: {username: u, password_file: secrets/password}}
inhibit_rules:
- {source_matchers: [a=b], target_match: {c: d}, target_match_re: {e: f}, equal: [x, y]}
mute_time_intervals:
- {name: night, time_intervals: [{times: [{start_time: '22:00', end_time: '24:00'}]}]}
";

#[test]
fn a_good_file_becomes_what_it_says() {
    let config = Config::parse(Path::new("conf/a.yml"), GOOD).unwrap();
    assert_eq!(config.resolve_timeout, Duration::from_secs(120));
    let labels = |text: &str| {
        let pairs = text.split(' ').map(|pair| pair.split_once('=').unwrap());
        Labels::from_pairs(pairs).unwrap()
    };
    let files = labels("service=files number=2 cluster=a severity=critical");
    assert_eq!(config.receivers_for(&files), ["files"]);
    assert_eq!(config.receivers_for(&labels("service=files")), ["all"]);

    let leaf = config.routes.get(2);
    assert_eq!(leaf.group_wait, Duration::from_secs(10), "inherited");
    assert_eq!(leaf.repeat_interval, Duration::from_secs(86_400));
    assert_eq!(leaf.group_by, crate::route::GroupBy::All);
    assert!(leaf.mute_intervals.is_empty(), "not inherited");
    assert_eq!(
        leaf.key,
        r#"{}/{cluster=~"a|b",number="2",service="files",severity="critical",team!="web"}/{}"#
    );

    let [first, second] = config.integrations("files") else {
        panic!("two ways out");
    };
    let (Channel::Webhook(first), Channel::Webhook(second)) = (&first.channel, &second.channel)
    else {
        panic!("two webhooks");
    };
    assert_eq!(first.max_alerts, 5);
    assert_eq!(first.timeout, Some(Duration::from_secs(90)));
    assert!(!first.http.follow_redirects, "from the global section");
    assert!(second.http.follow_redirects, "its own section counts alone");
    assert_eq!(
        second.url,
        SecretSource::File("conf/secrets/url".into()),
        "relative to the file"
    );
}

#[test]
fn what_has_no_effect_or_will_fail_is_said_with_its_place() {
    let text = GOOD.replace(
        "  smtp_smarthost: 'localhost:25'",
        "  smtp_smarthost: 'localhost:25'\n  smtp_from: a@b",
    );
    let config = Config::parse(Path::new("conf/a.yml"), &text).unwrap();
    let shown: Vec<String> = config
        .warnings()
        .iter()
        .map(|warning| {
            let (line, column) = warning.place.unwrap();
            format!("{line}:{column} {}", warning.message)
        })
        .collect();
    let later = "cannot be read now: No such file or directory (os error 2); messages will fail until it can";
    assert_eq!(
        shown,
        [
            format!("26:15 conf/secrets/url {later}"),
            format!("27:60 conf/secrets/password {later}"),
        ]
    );
    assert!(Config::silent().warnings().is_empty());
}

#[test]
fn nothing_secret_is_in_the_debug_output() {
    let text = GOOD.replace("username: u", "username: hidden-name, password: ''");
    let mut config = Config::parse(Path::new("a.yml"), &text).unwrap();
    // They show lines of the file, in which passwords and the like are hidden by their key.
    config.warnings.clear();
    let shown = format!("{config:?}");
    for secret in ["token", "hidden-name"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[test]
fn an_unknown_key_names_the_nearest() {
    check(
        "route: {receiver: a, group_wiat: 5s}\nreceivers: [{name: a}]\n",
        &["unknown key `group_wiat` at 1:22 (did you mean `group_wait`?)"],
    );
    check(
        "route: {receiver: a}\nreceivers:\n- name: a\n  webhook_config: []\n",
        &["unknown key `webhook_config` at 4:3 (did you mean `webhook_configs`?)"],
    );
}

#[test]
fn receivers_that_cannot_be_sent_to_are_named() {
    let text = "route: {receiver: a}\nglobal: {smtp_smarthost: 'm:25', smtp_from: f}\nreceivers:\n- name: a\n  jira_configs: [{api_url: 'http://j', project: p, issue_type: t}]\n  sns_configs: []\n  email_configs: [{to: x}]\n";
    let config = Config::parse(Path::new("a.yml"), text).unwrap();
    let warning = &config.warnings()[0];
    assert_eq!(
        warning.message,
        "`jira_configs` of the receiver `a` cannot be sent to yet: nobody hears of alerts this way"
    );
    assert_eq!(warning.place, Some((5, 17)));
    assert_eq!(config.warnings().len(), 1);
}

#[test]
fn traces_that_nobody_sends_are_named() {
    let file = |tracing: &str| {
        format!("route: {{receiver: a}}\nreceivers: [{{name: a}}]\ntracing: {tracing}\n")
    };
    let text = file("{endpoint: 'localhost:4317', insecure: true, sampling_fraction: 1.0}");
    let config = Config::parse(Path::new("a.yml"), &text).unwrap();
    let warning = &config.warnings()[0];
    assert_eq!(
        warning.message,
        "`tracing` has no effect: Stonechat sends no traces of its own work"
    );
    assert_eq!(warning.place, Some((3, 10)));
    check(
        &file("{insecure: true}"),
        &["`tracing` needs an `endpoint` at 3:10"],
    );
    check(
        &file("{endpont: x}"),
        &["unknown key `endpont` at 3:11 (did you mean `endpoint`?)"],
    );
}

#[test]
fn what_cannot_be_honoured_yet_is_refused() {
    check(
        "route: {receiver: a}\nevent_recorder: {x: y}\n",
        &[
            "the receiver `a` is not defined at 1:19",
            "`event_recorder` is not supported yet at 2:17",
        ],
    );
    check(
        "route: {receiver: a}\nreceivers: [{name: a, webhook_configs: [{url: 'http://a/{{ .x }'}]}]\n",
        &["not a template: template: :1: unexpected \"}\" in operand at 2:47"],
    );
}

#[test]
fn all_mistakes_are_shown_at_once() {
    check(
        "
route:
  receiver: b
  matchers: [a=b]
  continue: true
  group_interval: 0s
  group_by: ['...', x, x, '']
  mute_time_intervals: [m]
  routes:
  - receiver: fils
    matchers: ['a!b', 'a=~(']
    match_re: {c: '[', 'd-e': f, g: }
    repeat_interval: 0m
    active_time_intervals: [nigth]
receivers:
- name: files
- name: files
- name: ''
inhibit_rules:
- {source_matchers: ['='], equal: ['']}
time_intervals:
- {name: night, time_intervals: [{months: [x]}]}
- name: night
",
        &[
            "the first route takes every alert and must not have matchers at 3:3",
            "the receiver `b` is not defined at 3:13",
            "the first route must not have `continue` at 5:13",
            "`group_interval` must be longer than zero at 6:19",
            "`...` groups by all labels and cannot stand beside others at 7:21 (leave the others out)",
            "the label `x` is given twice at 7:24",
            "a label name is empty at 7:27",
            "the first route must not have `mute_time_intervals` at 8:25",
            "the time interval `m` is not defined at 8:25",
            "the receiver `fils` is not defined at 10:15 (did you mean `files`?)",
            "expected an operator (=, !=, =~ or !~) at character 2 at 11:16",
            "invalid regular expression \"(\": unclosed group at 11:23",
            "invalid regular expression \"[\": unclosed character class at 12:19",
            "`d-e` is not a label name that this key takes at 12:31 (write it under `matchers` in quotes)",
            "`repeat_interval` must be longer than zero at 13:22",
            "the time interval `nigth` is not defined at 14:29 (did you mean `night`?)",
            "the receiver `files` is defined twice at 17:9 (rename one)",
            "a receiver has no name at 18:9",
            "expected a label name at character 1 at 20:22",
            "a label name is empty at 20:36",
            "`x` is not a month at 22:44",
            "the time interval `night` is defined twice at 23:9 (rename one)",
            "the label `g` has no regular expression",
        ],
    );
}

#[test]
fn a_file_needs_a_first_route_with_a_receiver() {
    check("", &["there is no `route`"]);
    check(
        "route: {group_by: [a]}\n",
        &[
            "the first route has no `receiver`, so that an alert that no other route takes would be lost at 1:8",
        ],
    );
}

#[test]
fn webhooks_are_checked() {
    for (webhook, problem) in [
        ("{}", "a webhook needs `url` or `url_file` at 1:64"),
        (
            "{url: 'http://a/', url_file: f}",
            "both `url` and `url_file` are given at 1:93 (leave one out)",
        ),
        (
            "{url: 'secret'}",
            "not a URL: relative URL without a base at 1:70 (write for example http://127.0.0.1:8080/alerts)",
        ),
        (
            "{url: 'ftp://a/'}",
            "a URL with `ftp:` is not one of the web at 1:70 (write for example http://127.0.0.1:8080/alerts)",
        ),
        (
            "{url: 'http:a'}",
            "not a URL: there is no host at 1:70 (write for example http://127.0.0.1:8080/alerts)",
        ),
        (
            "{url_file: f, timeout: 5}",
            "not a valid duration: \"5\"; write for example 10s or 1m30s at 1:87",
        ),
        (
            "{url_file: f, max_alerts: -1}",
            "wrong type at 1:90 (expected a whole number that is not negative)",
        ),
        (
            "{url_file: f, http_config: {oauth2: {}}}",
            "the key `oauth2` is not supported yet at 1:92",
        ),
        (
            "{url_file: f, http_config: {basic_auth: {username: u, password: p, password_file: q}, bearer_token: t}}",
            "both `password` and `password_file` are given at 1:146 (leave one out)",
        ),
        (
            "{url_file: f, http_config: {authorization: {type: Basic, credentials: x}}}",
            "the type `basic` does not belong here at 1:107 (use `basic_auth`)",
        ),
        (
            "{url_file: f, http_config: {tls_config: {cert: x}}}",
            "a tls_config has a certificate without its key, or a key without its certificate",
        ),
        (
            "{url_file: f, http_config: {tls_config: {ca_file: nowhere/ca.pem}}}",
            "nowhere/ca.pem cannot be read: No such file or directory (os error 2) at 1:114",
        ),
        (
            "{url_file: f, http_config: {proxy_url: 'x:1'}}",
            "not the URL of a proxy at 1:103 (write for example http://127.0.0.1:3128)",
        ),
    ] {
        let text = format!(
            "{{route: {{receiver: a}}, receivers: [{{name: a, webhook_configs: [{webhook}]}}]}}"
        );
        let found = problems(&text);
        assert_eq!(found.first().map(String::as_str), Some(problem), "{text}");
    }
}

#[test]
fn a_url_that_may_be_secret_is_not_shown() {
    let text = "route: {receiver: a}\nreceivers:\n- name: a\n  webhook_configs:\n  - url: htp://h/token-1\n";
    let problems = Config::parse(Path::new("a.yml"), text).unwrap_err();
    let shown = problems.to_string();
    assert!(
        shown.starts_with("error: a URL with `htp:` is not one of the web\n"),
        "{shown}"
    );
    assert!(!shown.contains("token-1"), "{shown}");
}

/// The verdicts and receivers of the real `amtool`, where they are at hand.
mod amtool {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use serde::Deserialize;

    use super::*;

    /// A folder beside the repository.
    const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/conformance");

    fn read<T: serde::de::DeserializeOwned>(file: &str) -> Option<(PathBuf, Vec<T>)> {
        let path = Path::new(CASES).join(file);
        let Ok(text) = std::fs::read_to_string(&path) else {
            eprintln!("skipped: {} is not there", path.display());
            return None;
        };
        let folder = path.parent().unwrap().to_owned();
        Some((folder, serde_json::from_str(&text).unwrap()))
    }

    #[derive(Deserialize)]
    struct RoutingCase {
        file: String,
        labels: BTreeMap<String, String>,
        receivers: Vec<String>,
    }

    #[test]
    fn receivers_are_those_of_amtool() {
        for list in ["config/cases-routing.json", "dashboards/cases-routing.json"] {
            let Some((folder, cases)) = read::<RoutingCase>(list) else {
                return;
            };
            let (mut passed, mut unparsed) = (0, BTreeMap::new());
            for case in &cases {
                let path = folder.join(&case.file);
                let text = yaml::read_text(&path).unwrap();
                let config = match Config::parse(&path, &text) {
                    Ok(config) => config,
                    Err(problems) => {
                        unparsed.insert(&case.file, problems.to_string());
                        continue;
                    }
                };
                let labels = Labels::from_pairs(&case.labels).unwrap();
                let expected: Vec<&str> = case.receivers.iter().map(String::as_str).collect();
                assert_eq!(
                    config.receivers_for(&labels),
                    expected,
                    "{} with {labels}",
                    case.file
                );
                passed += 1;
            }
            eprintln!(
                "{list}: {passed} of {} cases agree with amtool",
                cases.len()
            );
            for (file, problem) in &unparsed {
                eprintln!("{file} is not taken yet: {problem}");
            }
            assert!(unparsed.is_empty(), "{unparsed:?}");
        }
    }

    #[derive(Deserialize)]
    struct ConfigCase {
        file: String,
        kind: String,
        observed: Option<String>,
    }

    #[test]
    fn verdicts_are_those_of_amtool() {
        for list in [
            "config/cases-alertmanager.json",
            "dashboards/cases-alertmanager.json",
        ] {
            let Some((folder, cases)) = read::<ConfigCase>(list) else {
                return;
            };
            let (mut agree, mut differ) = (0, Vec::new());
            let cases = cases.iter().filter(|case| case.kind == "alertmanager");
            for case in cases {
                let path = folder.join(&case.file);
                let good = case.observed.as_deref() == Some("good");
                match Config::load(&path) {
                    Ok(_) if good => agree += 1,
                    Err(_) if !good => agree += 1,
                    Ok(_) => differ.push(format!("{} should be refused", case.file)),
                    Err(problems) => differ.push(format!("{}: {problems}", case.file)),
                }
            }
            assert!(differ.is_empty(), "{}", differ.join("\n"));
            eprintln!("{list}: {agree} agree with amtool");
        }
    }
}
