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

/// Reads the outline of a dashboard; `None` for JSON that is something else.
pub(super) fn read(file: &Path) -> Result<Option<Dashboard>, Problem> {
    if std::fs::metadata(file).is_ok_and(|metadata| metadata.len() > BYTES_MAX) {
        return Err(Problem::of_file(
            file,
            format!("the dashboard is larger than {BYTES_MAX} bytes"),
        ));
    }
    let text = yaml::read_text(file)?;
    let outline: Outline = match serde_json::from_str(&text) {
        Ok(outline) => outline,
        // JSON of another shape is not ours; text that is no JSON at all is a mistake.
        Err(error) if error.is_data() => return Ok(None),
        Err(error) => {
            return Err(Problem::at(
                file,
                &text,
                (error.line().max(1), error.column().max(1)),
                "this is not valid JSON",
            )
            .help(error.to_string()));
        }
    };
    let (Some(title), Some(panels)) = (outline.title, outline.panels) else {
        return Ok(None);
    };
    let panels = panels.iter().map(Panel::count).sum();
    Ok(Some(Dashboard {
        file: file.display().to_string(),
        title,
        uid: outline.uid,
        panels,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Option<(String, usize)>, Problem> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("d.json");
        std::fs::write(&file, text).unwrap();
        Ok(read(&file)?.map(|dashboard| (dashboard.title, dashboard.panels)))
    }

    #[test]
    fn reads_the_outline() {
        let text =
            r#"{"title": "Chat", "panels": [{"type": "row", "panels": [{"id": 2}]}, {"id": 3}]}"#;
        assert_eq!(check(text), Ok(Some(("Chat".to_owned(), 3))));
    }

    #[test]
    fn other_json_is_left_alone_and_broken_json_is_reported() {
        assert_eq!(check("[1, 2]"), Ok(None));
        assert_eq!(check("{}"), Ok(None));
        let problem = check("{\"title\": \n oops}").unwrap_err();
        assert_eq!(problem.place, Some((2, 2)));
    }
}
