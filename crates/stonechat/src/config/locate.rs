//! Which files a `--config` path means.

use std::path::{Path, PathBuf};

use stonechat_model::Problem;
use stonechat_sql::config::Origin;

/// Where a folder keeps Prometheus' configuration, in the order in which they are tried.
const PROMETHEUS: [&str; 4] = [
    "prometheus/prometheus.yml",
    "prometheus/prometheus.yaml",
    "prometheus.yml",
    "prometheus.yaml",
];

/// Where a folder keeps Alertmanager's configuration.
const ALERTMANAGER: [&str; 4] = [
    "alertmanager/alertmanager.yml",
    "alertmanager/alertmanager.yaml",
    "alertmanager.yml",
    "alertmanager.yaml",
];

/// Where a folder keeps Grafana's dashboards. JSON elsewhere is somebody else's.
const DASHBOARDS: [&str; 2] = ["grafana", "dashboards"];

/// Where a folder keeps queries against databases: these files, or all YAML files that stand directly in the last one.
const QUERIES: [&str; 3] = ["sql.yml", "sql.yaml", "sql"];

/// How deep dashboards may stand below, as deep as Grafana's provisioning goes.
const DEPTH_MAX: usize = 5;

/// Files that are named by themselves, beside the folder or file of the configuration.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Named<'a> {
    pub(crate) alertmanager: Option<&'a Path>,
    pub(crate) queries: &'a [PathBuf],
}

/// The files of one configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Files {
    /// What was asked for.
    pub(crate) source: PathBuf,
    /// Scraping and rules.
    pub(crate) prometheus: PathBuf,
    /// Notifications; without it alerts are shown but nobody is told.
    pub(crate) alertmanager: Option<PathBuf>,
    /// JSON files that may be Grafana dashboards.
    pub(crate) dashboards: Vec<PathBuf>,
    /// Queries against databases.
    pub(crate) queries: Vec<PathBuf>,
    /// Where they were looked for: others may come.
    pub(crate) query_origins: Vec<Origin>,
}

/// Finds the files of a configuration: of a single file just that, of a folder what teams usually keep in it. Files that are named by
/// themselves count in either case.
pub(crate) fn locate(source: &Path, named: Named<'_>) -> Result<Files, Problem> {
    let mut files = if source.is_dir() {
        let first = |names: &[&str]| {
            names
                .iter()
                .map(|name| source.join(name))
                .find(|file| file.is_file())
        };
        let prometheus = first(&PROMETHEUS).ok_or_else(|| {
            Problem::of_file(source, "this folder has no Prometheus configuration")
                .help(format!("expected one of: {}", PROMETHEUS.join(", ")))
        })?;
        let mut dashboards = Vec::new();
        for folder in DASHBOARDS {
            find_json(&source.join(folder), DEPTH_MAX, &mut dashboards);
        }
        dashboards.sort();
        Files {
            source: source.to_owned(),
            prometheus,
            alertmanager: first(&ALERTMANAGER),
            dashboards,
            queries: QUERIES
                .iter()
                .flat_map(|name| yaml_files(&source.join(name)))
                .collect(),
            query_origins: QUERIES.map(|name| origin(&source.join(name))).to_vec(),
        }
    } else if source.is_file() {
        Files {
            source: source.to_owned(),
            prometheus: source.to_owned(),
            alertmanager: None,
            dashboards: Vec::new(),
            queries: Vec::new(),
            query_origins: Vec::new(),
        }
    } else {
        return Err(Problem::of_file(source, "there is no such file or folder")
            .help("give prometheus.yml, or a folder that holds prometheus/prometheus.yml"));
    };
    if let Some(file) = named.alertmanager {
        if !file.is_file() {
            return Err(Problem::of_file(file, "there is no such file"));
        }
        files.alertmanager = Some(file.to_owned());
    }
    for path in named.queries {
        let found = yaml_files(path);
        if found.is_empty() {
            return Err(Problem::of_file(
                path,
                "there is no such file, or no YAML file in it",
            ));
        }
        files.queries.extend(found);
        files.query_origins.push(origin(path));
    }
    Ok(files)
}

/// The YAML files that stand directly in a folder, or else the file itself.
fn origin(path: &Path) -> Origin {
    let is_file = path.extension().is_some() && !path.is_dir();
    if is_file || path.is_file() {
        Origin::File(path.to_owned())
    } else {
        Origin::Folder(path.to_owned())
    }
}

/// A file itself, or the YAML files that stand directly in a folder.
fn yaml_files(path: &Path) -> Vec<PathBuf> {
    let mut files = origin(path).files();
    files.retain(|file| file.is_file());
    files
}

fn find_json(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        // Not through links: they may lead in a circle.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) && depth > 0 {
            find_json(&path, depth - 1, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            found.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let file = folder.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        folder
    }

    #[test]
    fn finds_the_files_of_a_folder() {
        let folder = folder(&[
            "prometheus/prometheus.yml",
            "alertmanager/alertmanager.yml",
            "grafana/provisioning/dashboards/chat.json",
            "sql/users.yml",
            "sql/readme.txt",
            "node_modules/package.json",
        ]);
        let files = locate(folder.path(), Named::default()).unwrap();
        assert!(files.prometheus.ends_with("prometheus/prometheus.yml"));
        assert!(
            files
                .alertmanager
                .unwrap()
                .ends_with("alertmanager/alertmanager.yml")
        );
        assert_eq!(files.dashboards.len(), 1);
        assert_eq!(files.queries, [folder.path().join("sql/users.yml")]);
    }

    #[test]
    fn a_flat_folder_and_a_single_file_work_too() {
        let folder = folder(&["prometheus.yml", "alertmanager.yml"]);
        assert!(
            locate(folder.path(), Named::default())
                .unwrap()
                .alertmanager
                .is_some()
        );
        let file = folder.path().join("prometheus.yml");
        assert_eq!(locate(&file, Named::default()).unwrap().alertmanager, None);
    }

    #[test]
    fn says_what_is_missing() {
        let folder = folder(&["other.yml"]);
        let problem = locate(folder.path(), Named::default()).unwrap_err();
        assert!(problem.help.unwrap().contains("prometheus/prometheus.yml"));
        assert!(locate(&folder.path().join("nowhere"), Named::default()).is_err());
    }
}
