//! Grafana dashboards that stand in the folder.

use std::path::Path;

use stonechat_model::Problem;
use stonechat_model::yaml;
use stonechat_web::Dashboard;

/// The largest dashboard file, in bytes.
const BYTES_MAX: u64 = 16 << 20;

/// The part of Grafana's format that is looked at.
#[derive(serde::Deserialize)]
struct Outline {
    title: Option<String>,
    uid: Option<String>,
    panels: Option<Vec<Panel>>,
}

#[derive(serde::Deserialize)]
struct Panel {
    #[serde(default)]
    panels: Vec<Panel>,
}

impl Panel {
    fn count(&self) -> usize {
        1 + self.panels.iter().map(Self::count).sum::<usize>()
    }
}

/// What a JSON file turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A dashboard.
    Dashboard(Dashboard),
    /// Something that was meant to be a dashboard and cannot be shown, and why.
    Odd(Problem),
    /// Something else.
    Other,
}

/// Reads the outline of a dashboard.
pub(super) fn read(file: &Path) -> Result<Outcome, Problem> {
    if std::fs::metadata(file).is_ok_and(|metadata| metadata.len() > BYTES_MAX) {
        return Err(Problem::of_file(
            file,
            format!("the dashboard is larger than {BYTES_MAX} bytes"),
        ));
    }
    let text = yaml::read_text(file)?;
    let place = |error: &serde_json::Error| (error.line().max(1), error.column().max(1));
    let outline: Outline = match serde_json::from_str(&text) {
        Ok(outline) => outline,
        // JSON of another shape is not ours, unless it has what only dashboards have.
        Err(error) if error.is_data() => {
            return Ok(match has_panels(&text) {
                true => Outcome::Odd(
                    Problem::at(file, &text, place(&error), "this dashboard cannot be shown")
                        .help(reason(&error)),
                ),
                false => Outcome::Other,
            });
        }
        Err(error) => {
            let problem = Problem::at(file, &text, place(&error), "this is not valid JSON");
            return Err(problem.help(reason(&error)));
        }
    };
    let (Some(title), Some(panels)) = (outline.title, outline.panels) else {
        return Ok(Outcome::Other);
    };
    let panels = panels.iter().map(Panel::count).sum();
    Ok(Outcome::Dashboard(Dashboard {
        file: file.display().to_string(),
        title,
        uid: outline.uid,
        panels,
    }))
}

/// What is wrong, without the place, which the problem shows itself.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((reason, _)) => reason.to_owned(),
        None => text,
    }
}

fn has_panels(text: &str) -> bool {
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text)
        .is_ok_and(|object| object.contains_key("panels"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Outcome, Problem> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("d.json");
        std::fs::write(&file, text).unwrap();
        read(&file)
    }

    #[test]
    fn reads_the_outline() {
        let text =
            r#"{"title": "Chat", "panels": [{"type": "row", "panels": [{"id": 2}]}, {"id": 3}]}"#;
        let Ok(Outcome::Dashboard(dashboard)) = check(text) else {
            panic!("a dashboard");
        };
        assert_eq!((dashboard.title.as_str(), dashboard.panels), ("Chat", 3));
    }

    #[test]
    fn other_json_is_left_alone_and_broken_json_is_reported() {
        for other in ["[1, 2]", "{}", "{\"title\": 5}"] {
            assert_eq!(check(other), Ok(Outcome::Other), "{other}");
        }
        let problem = check("{\"title\": \n oops}").unwrap_err();
        assert_eq!(problem.place, Some((2, 2)));
    }

    #[test]
    fn a_dashboard_with_wrong_types_is_named() {
        for (text, place) in [
            ("{\"title\": \"Chat\",\n \"panels\": 5}", (2, 12)),
            ("{\"title\": 5, \"panels\": []}", (1, 11)),
        ] {
            let Ok(Outcome::Odd(problem)) = check(text) else {
                panic!("{text} should be odd");
            };
            assert_eq!(problem.place, Some(place), "{problem}");
            assert!(
                problem
                    .help
                    .unwrap()
                    .starts_with("invalid type: integer `5`")
            );
        }
    }
}
