//! What files say, and what is wrong with them.

use std::path::Path;

use stonechat_model::{Problems, yaml};

use super::bench::{File, jobs};
use crate::config::{ScrapeProtocol, resolve};
use crate::target::targets_of;

fn problems(text: &str) -> Problems {
    let path = Path::new("p.yml");
    match yaml::parse::<File>(path, text) {
        Err(problem) => problem.into(),
        Ok(file) => resolve(path, text, &file.global, &file.scrape_configs)
            .map(|_| Problems::default())
            .unwrap_or_else(|problems| problems),
    }
}

/// Each mistake as `line:column message; help`.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let shown: Vec<String> = problems(text)
        .0
        .iter()
        .map(|problem| {
            let (line, column) = problem.place.unwrap_or_default();
            let help = problem.help.as_ref().map(|help| format!("; {help}"));
            format!(
                "{line}:{column} {}{}",
                problem.message,
                help.unwrap_or_default()
            )
        })
        .collect();
    assert_eq!(shown, expected);
}

/// A file with one job that has more keys.
fn job(keys: &str) -> String {
    let keys: String = keys.lines().map(|line| format!("    {line}\n")).collect();
    format!("scrape_configs:\n  - job_name: a\n{keys}")
}

#[test]
fn a_place_for_every_mistake_of_types() {
    check(
        &job("scrape_intervall: 5s"),
        &["3:5 unknown key `scrape_intervall`; did you mean `scrape_interval`?"],
    );
    check(
        &job("scrape_interval: 5 seconds"),
        &[
            "3:22 not a valid duration: \"5 seconds\"; write for example 30s, 5m, 1h30m (units: y w d h m s ms)",
        ],
    );
    check(
        "scrape_configs:\n  - metrics_path: /a\n",
        &["2:5 the key `job_name` is missing"],
    );
    check(
        "global: {scrape_intervall: 5s}\n",
        &["1:10 unknown key `scrape_intervall`; did you mean `scrape_interval`?"],
    );
    check(
        &job("body_size_limit: 10"),
        &[
            "3:22 not a size: \"10\"; write for example 512KB, 10MB, 1GiB (units: B KB MB GB TB, each 1024 of the one before)",
        ],
    );
}

#[test]
fn keys_that_prometheus_knows_are_refused_by_name() {
    for key in [
        "basic_auth: {username: a}",
        "tls_config: {}",
        "proxy_url: http://a",
        "kubernetes_sd_configs: [{role: pod}]",
        "consul_sd_configs: []",
        "file_sd_configs: [{files: [a.yml]}]",
        "target_limit: 5",
        "native_histogram_bucket_limit: 5",
    ] {
        let name = key.split(':').next().unwrap();
        check(
            &job(key),
            &[&format!("3:5 the key `{name}` is not supported yet")],
        );
    }
    check(
        "global:\n  query_log_file: a\n",
        &["2:3 the key `query_log_file` is not supported yet"],
    );
}

#[test]
fn all_mistakes_of_meaning_at_once() {
    check(
        "global:\n  scrape_interval: 15s\n  scrape_timeout: 20s\n\
         scrape_configs:\n  - job_name: a\n    scrape_timeout: 30s\n  - job_name: a\n    scrape_interval: 0s\n    \
         metrics_path: /metrics?x=1\n    scheme: https\n    static_configs:\n      - targets: ['http://b:80', 'c:80/d', 'e:80', '']\n",
        &[
            "3:19 scrape_timeout is longer than scrape_interval; targets are scraped every 15s",
            "6:21 scrape_timeout is longer than scrape_interval; job `a` is scraped every 15s",
            "7:15 two jobs are named `a`; the first is in line 5; each needs its own",
            "8:22 a duration of zero; write for example 15s, or leave the key out",
            "9:19 \"/metrics?x=1\" is no path of a URL; parameters belong in `params`",
            "10:13 https is not supported yet",
            "12:19 \"http://b:80\" is no address; write host:port; http or https belongs in `scheme`",
            "12:34 \"c:80/d\" is no address; write host:port; the path belongs in `metrics_path`",
            "12:52 the target has no address",
        ],
    );
}

#[test]
fn an_external_label_that_cannot_be_has_a_place() {
    check(
        "global:\n  external_labels:\n    site: a\n    '': b\n",
        &["4:9 an external label cannot be: a label name is empty"],
    );
}

#[test]
fn names_schemes_and_protocols() {
    check(
        "scrape_configs: [{job_name: ''}]\n",
        &["1:29 the job has no name"],
    );
    check(
        &job("scheme: ftp"),
        &["3:13 unknown scheme `ftp`; known here: http"],
    );
    check(
        &job("scrape_protocols: [PrometheusProto]"),
        &["3:23 PrometheusProto is not supported yet; list a text format too"],
    );
    check(
        &job("scrape_protocols: [PrometheusText0.0.4, PrometheusText0.0.4]"),
        &["3:23 a protocol is listed twice in scrape_protocols"],
    );
    check(
        &job("fallback_scrape_protocol: PrometheusProto"),
        &["3:31 PrometheusProto is not supported yet"],
    );
    check(
        &job("static_configs:\n  - targets: [a:1]\n    labels: {'': x}"),
        &["5:22 a label has an empty name"],
    );
    check(
        &job("static_configs:\n  - targets: ['a b:80', '[::1]:80', 'user@c:80']"),
        &[
            "4:19 \"a b:80\" is no address; write host:port",
            "4:41 \"user@c:80\" is no address; write host:port",
        ],
    );
}

#[test]
fn relabelling_rules_are_checked() {
    let rule = |rule: &str| job(&format!("relabel_configs:\n  - {rule}"));
    for (keys, mistake) in [
        (
            "{action: replaced, target_label: a}",
            "4:18 unknown relabelling action `replaced`; did you mean `replace`?",
        ),
        (
            "{regex: 'a(b', target_label: c}",
            "4:17 invalid regular expression: unclosed group",
        ),
        (
            "{action: hashmod, target_label: a}",
            "4:18 the action `hashmod` needs a `modulus` above 0",
        ),
        (
            "{source_labels: [a]}",
            "2:15 the action `replace` needs a `target_label`",
        ),
        (
            "{action: uppercase, target_label: a, replacement: b}",
            "4:18 the action `uppercase` has no use for a `replacement`",
        ),
        (
            "{action: labeldrop, regex: a, source_labels: [b]}",
            "4:18 the action `labeldrop` takes only a `regex`",
        ),
        (
            "{action: keepequal, source_labels: [b], target_label: c, regex: x}",
            "4:18 the action `keepequal` takes only `source_labels` and `target_label`",
        ),
    ] {
        check(&rule(keys), &[mistake]);
    }
}

#[test]
fn defaults_are_those_of_prometheus() {
    let job = &jobs("scrape_configs: [{job_name: a}]")[0];
    assert_eq!((job.interval.as_secs(), job.timeout.as_secs()), (60, 10));
    assert_eq!(
        (job.metrics_path.as_str(), job.scheme.as_str()),
        ("/metrics", "http")
    );
    let settings = &job.settings;
    assert!(settings.honor_timestamps && settings.compression && settings.follow_redirects);
    assert!(
        !settings.honor_labels && !settings.track_timestamps_staleness && !settings.extra_metrics
    );
    assert_eq!(settings.limits, crate::Limits::default());
    assert_eq!(
        settings.accept,
        ScrapeProtocol::accept(&ScrapeProtocol::DEFAULT)
    );
}

#[test]
fn the_global_section_holds_unless_the_job_differs() {
    let jobs = jobs(
        "global: {scrape_interval: 5s, scrape_timeout: 4s, sample_limit: 7, label_limit: 8, body_size_limit: 1MB, extra_scrape_metrics: true}\n\
         scrape_configs:\n\
         - {job_name: a}\n\
         - {job_name: b, scrape_interval: 2s, sample_limit: 9, body_size_limit: 2MB, extra_scrape_metrics: false}\n",
    );
    let shown: Vec<_> = jobs
        .iter()
        .map(|job| {
            let limits = job.settings.limits;
            let times = (job.interval.as_secs(), job.timeout.as_secs());
            (
                times,
                limits.samples,
                limits.labels,
                limits.body_bytes,
                job.settings.extra_metrics,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ((5, 4), Some(7), Some(8), 1 << 20, true),
            ((2, 2), Some(9), Some(8), 2 << 20, false),
        ]
    );
}

/// The targets of a job as `url labels`.
#[track_caller]
fn check_targets(keys: &str, expected: &[&str]) {
    let job = &jobs(&job(keys))[0];
    let targets = targets_of(job);
    let mut shown: Vec<String> = targets
        .active
        .iter()
        .map(|target| format!("{} {}", target.url, target.labels))
        .collect();
    shown.extend(
        targets
            .dropped
            .iter()
            .map(|labels| format!("dropped {}", labels.get("__address__").unwrap())),
    );
    shown.extend(
        targets
            .failed
            .iter()
            .map(|(address, error)| format!("{address}: {error}")),
    );
    assert_eq!(shown, expected);
}

#[test]
fn targets_get_job_and_instance() {
    check_targets(
        "static_configs: [{targets: ['b:80', 'c:81'], labels: {env: test, job: other}}, {targets: ['d:1']}]",
        &[
            "http://b:80/metrics {env=\"test\", instance=\"b:80\", job=\"other\"}",
            "http://c:81/metrics {env=\"test\", instance=\"c:81\", job=\"other\"}",
            "http://d:1/metrics {instance=\"d:1\", job=\"a\"}",
        ],
    );
}

#[test]
fn urls_are_written_as_go_writes_them() {
    check_targets(
        "metrics_path: metrics/ü%\nparams: {b: ['x y&', '1'], a: ['*~']}\nstatic_configs: [{targets: ['b:80']}]",
        &["http://b:80/metrics/%C3%BC%25?a=%2A~&b=x+y%26&b=1 {instance=\"b:80\", job=\"a\"}"],
    );
}

#[test]
fn relabelling_makes_targets_of_anything() {
    check_targets(
        "params: {module: [http_2xx]}\n\
         relabel_configs:\n\
         - {source_labels: [__address__], target_label: __param_target}\n\
         - {source_labels: [__param_target], target_label: instance}\n\
         - {target_label: __address__, replacement: 'exporter:9115'}\n\
         - {source_labels: [instance], regex: '.*drop.*', action: drop}\n\
         - {source_labels: [instance], regex: '.*noaddress.*', target_label: __address__, replacement: ''}\n\
         - {source_labels: [instance], regex: '.*slow.*', target_label: __scrape_timeout__, replacement: 2m}\n\
         - {source_labels: [instance], regex: '.*never.*', target_label: __scrape_interval__, replacement: 0s}\n\
         - {source_labels: [instance], regex: '.*https.*', target_label: __scheme__, replacement: https}\n\
         - {source_labels: [instance], regex: '.*often.*', target_label: __scrape_interval__, replacement: 20s}\n\
         static_configs: [{targets: ['http://x/y', drop, noaddress, slow, never, https, often]}]",
        &[
            "http://exporter:9115/metrics?module=http_2xx&target=http%3A%2F%2Fx%2Fy {instance=\"http://x/y\", job=\"a\"}",
            "http://exporter:9115/metrics?module=http_2xx&target=often {instance=\"often\", job=\"a\"}",
            "dropped drop",
            "noaddress: the target has no address",
            "slow: the timeout 2m is longer than the interval 1m",
            "never: __scrape_interval__ is \"0s\", which is no duration above zero",
            "https: the scheme \"https\" is not supported yet",
        ],
    );
    let job = &jobs(&job(
        "relabel_configs: [{action: drop}]\nkeep_dropped_targets: 1\nstatic_configs: [{targets: ['a:1', 'b:1']}]",
    ))[0];
    assert_eq!(targets_of(job).dropped.len(), 1);
}

/// A whole file, of which only our parts are looked at.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Whole {
    global: crate::config::GlobalConfig,
    scrape_configs: Vec<crate::config::JobConfig>,
}

#[derive(serde::Deserialize)]
struct Case {
    file: String,
    kind: String,
    observed: Option<String>,
}

#[test]
fn what_prometheus_takes_is_taken_or_not_supported_yet() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/config");
    let Ok(cases) = std::fs::read_to_string(root.join("cases-prometheus.json")) else {
        eprintln!("skipped: the folder with conformance cases is not here");
        return;
    };
    let cases: Vec<Case> = serde_json::from_str(&cases).unwrap();
    let (mut taken, mut later, mut wrong) = (0, 0, Vec::new());
    for case in cases {
        if case.kind != "config" || case.observed.as_deref() != Some("good") {
            continue;
        }
        let path = root.join(&case.file);
        let text = std::fs::read_to_string(&path).unwrap();
        let resolved = yaml::parse::<Whole>(&path, &text)
            .map_err(Problems::from)
            .and_then(|file| resolve(&path, &text, &file.global, &file.scrape_configs));
        match resolved {
            Ok(_) => taken += 1,
            Err(problems) => {
                let unexpected = problems
                    .0
                    .iter()
                    .find(|problem| !problem.message.contains("not supported yet"));
                later += usize::from(unexpected.is_none());
                wrong.extend(unexpected.map(ToString::to_string));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{taken} files are taken, {later} have keys for later");
}
