use std::collections::BTreeMap;

use stonechat_model::{Alert, Labels};

use super::*;
use crate::alert::{KnownAlert, ToldAlert};
use crate::notification::Reason;

fn told(labels: &[(&str, &str)], resolved: bool) -> ToldAlert {
    let alert = Alert {
        labels: Labels::from_pairs(labels.iter().copied()).unwrap(),
        annotations: BTreeMap::from([("summary".to_owned(), "5 < 6".to_owned())]),
        starts_at: Timestamp::from_millis(1_767_225_600_000),
        ends_at: Timestamp::from_millis(1_767_225_660_000),
        generator_url: "http://s/graph?a=1&b=2".to_owned(),
    };
    ToldAlert {
        known: Arc::new(KnownAlert::new(alert, true)),
        resolved,
    }
}

fn notification() -> Notification {
    let first = [("alertname", "Slow"), ("job", "a"), ("severity", "page")];
    let second = [("alertname", "Slow"), ("job", "b"), ("severity", "page")];
    Notification {
        receiver: "team x".into(),
        group_key: "{}:{alertname=\"Slow\"}".into(),
        group_labels: Labels::from_pairs([("alertname", "Slow")]).unwrap(),
        reason: Reason::First,
        alerts: vec![told(&first, false), told(&second, true)],
    }
}

fn render(source: &str) -> String {
    let set = TemplateSet {
        zone: "Asia/Shanghai".to_owned(),
        ..TemplateSet::default()
    };
    let notification = notification();
    let renderer = Renderer::new(
        &notification,
        "http://s",
        &set,
        Timestamp::from_millis(1_767_225_700_000),
    );
    renderer
        .text(source)
        .unwrap_or_else(|error| error.to_string())
}

#[test]
fn data_and_functions_are_those_of_alertmanager() {
    for (source, expected) in [
        ("{{ template \"__subject\" . }}", "[FIRING:1] Slow (page)"),
        (
            "{{ template \"__alertmanagerURL\" . }}",
            "http://s/#/alerts?receiver=team+x",
        ),
        (
            "{{ .CommonLabels.SortedPairs.Names | join \",\" }}",
            "alertname,severity",
        ),
        (
            "{{ (.CommonLabels.Remove .GroupLabels.Names).Values }}",
            "[page]",
        ),
        (
            "{{ range .Alerts.Firing }}{{ .Labels.job }} {{ .StartsAt.Format \"15:04\" }}{{ end }}",
            "a 08:00",
        ),
        (
            "{{ range .Alerts.Resolved }}{{ .Labels.job }} {{ .EndsAt | tz \"Europe/Berlin\" | date \"15:04:05\" }}{{ end }}",
            "b 01:01:00",
        ),
        ("{{ (index .Alerts 0).Fingerprint | len }}", "16"),
        (
            "{{ .CommonAnnotations.summary | toUpper }} {{ .GroupLabels.nothing }}.",
            "5 < 6 .",
        ),
        (
            "{{ since (index .Alerts 0).StartsAt | humanizeDuration }}",
            "1m 40s",
        ),
        (
            "{{ reReplaceAll \"(S)low\" \"$1\" .GroupLabels.alertname }}{{ match \"^S\" \"Slow\" }}",
            "Strue",
        ),
        ("{{ toJson .GroupLabels }}", "{\"alertname\":\"Slow\"}"),
        (
            "{{ stringSlice \"a\" \"b\" | join \"-\" }} {{ title \"ab\" }} {{ trimSpace \" x \" }} {{ urlUnescape \"a%20b\" }}",
            "a-b Ab x a b",
        ),
        ("no braces", "no braces"),
    ] {
        assert_eq!(render(source), expected, "{source}");
    }
}

/// Every template that a kind of receivers uses unless it is told otherwise.
#[test]
fn the_templates_of_the_program_fit_the_data() {
    for name in DEFAULT_SET
        .names()
        .filter(|name| name.contains(".default.") || name.ends_with("__subject"))
    {
        if name == "pagerduty.default.instances" || name == "default.tmpl" {
            continue;
        }
        let text = render(&format!("{{{{ template \"{name}\" . }}}}"));
        assert!(
            !text.contains("no value") && !text.contains("template:"),
            "{name}: {text}"
        );
    }
    assert!(
        render("{{ template \"pagerduty.default.instances\" .Alerts.Firing }}").contains("job = a")
    );
}

#[test]
fn texts_of_alerts_are_no_marks_in_html() {
    let (notification, set) = (notification(), TemplateSet::default());
    let renderer = Renderer::new(&notification, "http://s", &set, Timestamp::default());
    let html = renderer
        .html("<b>{{ .CommonAnnotations.summary }}</b>{{ (index .Alerts 0).GeneratorURL }}")
        .unwrap();
    assert_eq!(html, "<b>5 &lt; 6</b>http://s/graph?a=1&amp;b=2");
    assert!(
        renderer
            .html("{{ template \"email.default.html\" . }}")
            .unwrap()
            .contains("5 &lt; 6")
    );
}
