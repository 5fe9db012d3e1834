//! All files of a configuration, read and checked before anything is changed.

mod dashboards; // Grafana dashboards that stand in the folder
mod environment; // environment variables in external labels
pub(crate) mod inspect; // one file by itself
mod locate; // which files a path means
pub(crate) mod panels; // expressions of a dashboard's panels
mod prometheus; // prometheus.yml as a whole
mod queries; // files with queries against databases
mod storage; // limits of the store

use std::path::PathBuf;
use std::time::Duration;

use stonechat_model::{Labels, Problem, Problems};
use stonechat_web::Dashboard;

use crate::stamps::Stamps;
use dashboards::Outcome;
use storage::Storage;

/// A configuration that can be applied.
pub(crate) struct Configuration {
    /// What scrapes.
    pub(crate) jobs: Vec<stonechat_scrape::Job>,
    /// What judges.
    pub(crate) groups: Vec<stonechat_rules::Group>,
    /// Who is told.
    pub(crate) notify: stonechat_notify::Config,
    /// Other Alertmanagers that are told of every alert.
    pub(crate) alertmanagers: Vec<stonechat_notify::ExternalAlertmanager>,
    /// How often rules are evaluated unless their group says otherwise; also the step of subqueries without one.
    pub(crate) evaluation_interval: Duration,
    /// What this server adds to alerts on their way out.
    pub(crate) external_labels: Labels,
    /// Limits of the store.
    pub(crate) storage: Storage,
    /// Dashboards that stand in the folder.
    pub(crate) dashboards: Vec<Dashboard>,
    /// What is asked of databases.
    pub(crate) queries: stonechat_sql::plan::Plan,
    /// Files in which queries and their secrets stand; a change of them is a reload.
    pub(crate) query_files: Stamps,
    /// What works otherwise than the files may suggest.
    pub(crate) warnings: Vec<String>,
}

/// Where a configuration comes from; kept, so that a reload looks again.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// A file or a folder.
    pub(crate) path: PathBuf,
    /// An alertmanager.yml that is named by itself.
    pub(crate) alertmanager: Option<PathBuf>,
    /// Files or folders with queries that are named by themselves.
    pub(crate) queries: Vec<PathBuf>,
}

impl Source {
    /// Reads everything. All mistakes of all files are reported together.
    pub(crate) fn load(&self) -> Result<Configuration, Problems> {
        let files = locate::locate(
            &self.path,
            locate::Named {
                alertmanager: self.alertmanager.as_deref(),
                queries: &self.queries,
            },
        )?;
        let mut problems = Problems::default();
        let prometheus = problems.take(prometheus::load(&files.prometheus));
        let notify = match &files.alertmanager {
            Some(file) => problems.take(stonechat_notify::Config::load(file)),
            None => Some(stonechat_notify::Config::silent()),
        };
        let (mut dashboards, mut odd) = (Vec::new(), Vec::new());
        for file in &files.dashboards {
            match problems.take(dashboards::read(file)) {
                Some(Outcome::Dashboard(dashboard)) => dashboards.push(dashboard),
                Some(Outcome::Odd(problem)) => odd.push(problem),
                Some(Outcome::Other) | None => {}
            }
        }
        let queries = problems.take(queries::load(&files.queries));
        let (Some(prometheus), Some(notify), Some(queries)) = (prometheus, notify, queries) else {
            return Err(problems);
        };
        let remarks = prometheus
            .warnings
            .iter()
            .chain(notify.warnings())
            .chain(&odd);
        let mut warnings: Vec<String> = remarks.map(Problem::remark).collect();
        warnings.extend(queries.warnings);
        if files.alertmanager.is_none()
            && prometheus.alertmanagers.is_empty()
            && !prometheus.groups.is_empty()
        {
            warnings.push(NOBODY_IS_TOLD.to_owned());
        }
        problems.or(Configuration {
            jobs: prometheus.jobs,
            groups: prometheus.groups,
            notify,
            alertmanagers: prometheus.alertmanagers,
            evaluation_interval: prometheus.evaluation_interval,
            external_labels: prometheus.external_labels,
            storage: prometheus.storage,
            dashboards,
            queries: queries.plan,
            query_files: Stamps::of(queries.origins.into_iter().chain(files.query_origins)),
            warnings,
        })
    }
}

const NOBODY_IS_TOLD: &str = "there is no alertmanager.yml: alerts are shown, but nobody is told";
