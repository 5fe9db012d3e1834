//! Data with fields and methods of its own, as notifications have.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use stonechat_template::{
    CallError, Element, Functions, Limits, List, MissingKey, NoFunctions, Object, Parameter,
    Signature, Templates, Time, Value,
};

/// A named slice with methods, such as Alertmanager's `Alerts`.
struct Alerts(Vec<Value>);

impl Object for Alerts {
    fn type_name(&self) -> &'static str {
        "template.Alerts"
    }

    fn plain(&self) -> Option<Value> {
        Some(Value::List(List {
            items: self.0.clone().into(),
            element: Element::Any,
        }))
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, CallError>> {
        match (name, arguments) {
            ("Firing", []) => Some(Ok(Value::object(Self(self.0[..1].to_vec())))),
            ("Take", [Value::Int(count)]) => Some(match usize::try_from(*count) {
                Ok(count) if count <= self.0.len() => {
                    Ok(Value::object(Self(self.0[..count].to_vec())))
                }
                _ => Err(CallError::new("there are not so many")),
            }),
            _ => None,
        }
    }
}

/// A struct whose field counts how often it is asked for.
struct Data(Arc<AtomicUsize>);

impl Object for Data {
    fn type_name(&self) -> &'static str {
        "*template.Data"
    }

    fn field_names(&self) -> &[&str] {
        &["Status", "Alerts"]
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Status" => Some("firing".into()),
            "Alerts" => {
                self.0.fetch_add(1, Ordering::Relaxed);
                Some(Value::object(Alerts(vec!["a".into(), "b".into()])))
            }
            "At" => Some(Value::Time(Time::from_nanoseconds(
                1_435_065_584_128_000_000,
            ))),
            "Took" => Some(Value::Duration(5_400_000_000_000)),
            _ => None,
        }
    }

    fn is_pointer(&self) -> bool {
        true
    }
}

/// One function, with typed parameters.
struct Join;

impl Functions for Join {
    fn signature(&self, name: &str) -> Option<Signature> {
        (name == "join").then_some(Signature::of(&[
            Parameter::String,
            Parameter::Named("[]string"),
        ]))
    }

    fn call(&self, _: &str, arguments: &[Value]) -> Result<Value, CallError> {
        let [Value::String(separator), Value::List(list)] = arguments else {
            return Err(CallError::new("wrong arguments"));
        };
        let texts: Vec<&str> = list.items.iter().filter_map(Value::as_str).collect();
        Ok(texts.join(separator).into())
    }
}

fn run(text: &str, data: &Value, functions: &dyn Functions) -> String {
    let mut templates = Templates::new(MissingKey::Nothing);
    let known = |name: &str| functions.signature(name).is_some();
    let result = templates
        .add("t", text, known)
        .and_then(|()| templates.execute("t", data, functions, &Limits::default()));
    result.unwrap_or_else(|error| error.to_string())
}

fn check(text: &str, expected: &str) {
    let data = Value::object(Data(Arc::default()));
    assert_eq!(run(text, &data, &NoFunctions), expected, "{text}");
}

#[test]
fn fields_and_methods_are_found() {
    check(
        "{{ .Status }} {{ .Alerts }} {{ .Alerts.Firing }} {{ len .Alerts.Firing }}",
        "firing [a b] [a] 1",
    );
    check(
        "{{ range .Alerts.Firing }}{{ . }}{{ end }}{{ index .Alerts 1 }}",
        "ab",
    );
    check(
        "{{ .Alerts.Take 2 }} {{ 1 | .Alerts.Take }} {{ (.Alerts.Take 1).Firing }}",
        "[a b] [a] [a]",
    );
    check(
        "{{ with .Alerts }}{{ .Firing }}{{ end }}{{ if .Alerts }}some{{ end }}",
        "[a]some",
    );
    check(
        "{{ . }} {{ printf \"%v\" . }}",
        "{firing [a b]} &{firing [a b]}",
    );
}

#[test]
fn what_a_type_does_not_have_is_an_error() {
    check(
        "{{ .Nope }}",
        "template: t:1:3: executing \"t\" at <.Nope>: can't evaluate field Nope in type *template.Data",
    );
    check(
        "{{ .Alerts.Take 5 }}",
        "template: t:1:10: executing \"t\" at <.Alerts.Take>: error calling Take: there are not so many",
    );
    check(
        "{{ .Status 1 }}",
        "template: t:1:3: executing \"t\" at <.Status>: Status has arguments but cannot be invoked as function",
    );
}

#[test]
fn a_field_is_asked_for_only_when_it_is_named() {
    let asked = Arc::new(AtomicUsize::new(0));
    let data = Value::object(Data(Arc::clone(&asked)));
    assert_eq!(
        run(
            "{{ .Status }}{{ if false }}{{ .Alerts }}{{ end }}",
            &data,
            &NoFunctions
        ),
        "firing"
    );
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[test]
fn times_and_durations_have_gos_methods() {
    check(
        "{{ .At }} {{ .At.Unix }} {{ .At.Format \"2006-01-02\" }}",
        "2015-06-23 13:19:44.128 +0000 UTC 1435065584 2015-06-23",
    );
    check(
        "{{ .Took }} {{ .Took.Seconds }} {{ .Took.Hours }}",
        "1h30m0s 5400 1.5",
    );
    check(
        "{{ (.At.Add .Took).Hour }} {{ (.At.Add .Took).After .At }} {{ .At.Sub .At }}",
        "14 true 0s",
    );
    check(
        "{{ gt .Took 0 }} {{ printf \"%s %d\" .Took .Took }}",
        "true 1h30m0s 5400000000000",
    );
}

#[test]
fn functions_get_what_they_ask_for() {
    let data = Value::map([
        ("Names", Value::strings(["a", "b"])),
        ("Any", Value::from(vec![Value::from("a")])),
    ]);
    assert_eq!(run("{{ .Names | join \", \" }}", &data, &Join), "a, b");
    assert_eq!(
        run("{{ .Any | join \", \" }}", &data, &Join),
        "template: t:1:15: executing \"t\" at <\", \">: wrong type for value; expected []string; got []interface {}"
    );
    assert_eq!(
        run("{{ join \", \" }}", &data, &Join),
        "template: t:1:3: executing \"t\" at <join>: wrong number of args for join: want 2 got 1"
    );
}

#[test]
fn a_missing_key_is_what_was_chosen() {
    let data = Value::map([("a", 1.into())]);
    for (missing, expected) in [
        (MissingKey::Nothing, "<no value> <no value>"),
        (MissingKey::Zero, "<no value> <no value>"),
        (
            MissingKey::Error,
            "template: t:1:3: executing \"t\" at <.b>: map has no entry for key \"b\"",
        ),
    ] {
        let mut templates = Templates::new(missing);
        templates
            .add("t", "{{ .b }} {{ .b.c }}", |_| false)
            .unwrap();
        let result = templates.execute("t", &data, &NoFunctions, &Limits::default());
        assert_eq!(result.unwrap_or_else(|error| error.to_string()), expected);
    }
}

#[test]
fn a_set_grows_and_its_copy_stays() {
    let mut shared = Templates::new(MissingKey::Zero);
    shared.add("default", "{{ define \"title\" }}Alert{{ end }}{{ define \"all\" }}<{{ template \"title\" . }}>{{ end }}", |_| false).unwrap();
    let mut own = shared.clone();
    own.add(
        "mine",
        "{{ define \"title\" }}Mine {{ . }}{{ end }}{{ define \"all\" }}  {{ end }}",
        |_| false,
    )
    .unwrap();
    let show = |set: &Templates| {
        set.execute("all", &"x".into(), &NoFunctions, &Limits::default())
            .unwrap()
    };
    // The blank second definition of `all` does not replace the first.
    assert_eq!(
        (show(&shared), show(&own)),
        ("<Alert>".to_owned(), "<Mine x>".to_owned())
    );
    let unknown = own
        .execute("none", &Value::Nil, &NoFunctions, &Limits::default())
        .unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "template: no template \"none\" associated with the set"
    );
}

#[test]
fn places_count_lines_and_bytes() {
    let mut templates = Templates::new(MissingKey::Zero);
    let error = templates
        .add("t", "é\n  {{ nope }}", |_| false)
        .unwrap_err();
    let place = error.place().unwrap();
    assert_eq!((place.line, place.column), (2, 5));
}
