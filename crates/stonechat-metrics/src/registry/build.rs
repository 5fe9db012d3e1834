use super::{Registry, Settings};
use crate::collect::{self, OwnMetrics};
use crate::desc::check_label_name;
use crate::error::{Place, Problem, RegisterError};
use crate::metric::{TraceId, TraceSource};

/// Describes a [`Registry`] that differs from the usual one.
///
/// ```
/// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
/// use stonechat_metrics::{Format, Registry};
///
/// let registry = Registry::builder().process(false).constant_label("zone", "eu-1").build()?;
/// registry.gauge("users_online", "Users online.").register()?.set(3.0);
/// assert!(registry.encode(Format::Text).contains(r#"users_online{zone="eu-1"} 3"#));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "there is no registry before `build()`"]
pub struct RegistryBuilder {
    settings: Settings,
    process: bool,
    runtime: bool,
    place: Place,
}

impl RegistryBuilder {
    pub(super) fn new(place: Place) -> Self {
        Self {
            settings: Settings::default(),
            process: true,
            runtime: true,
            place,
        }
    }

    /// Whether the metrics of the process are there; they are, unless this says `false`.
    pub fn process(mut self, on: bool) -> Self {
        self.process = on;
        self
    }

    /// Whether the metrics of the tokio runtime are there; with the feature `tokio-runtime` they
    /// are, unless this says `false`.
    pub fn runtime(mut self, on: bool) -> Self {
        self.runtime = on;
        self
    }

    /// Sets a label on every series of the registry.
    pub fn constant_label(mut self, name: &str, value: &str) -> Self {
        let labels = &mut self.settings.constant_labels;
        labels.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Asks, at each observation of a histogram, for the trace that the current task or thread
    /// works on; where there is one, the observation becomes the exemplar of its bucket, which
    /// OpenMetrics and protobuf show as `trace_id`. The function is to be quick. With the feature
    /// `opentelemetry`, `opentelemetry_trace_id` is one.
    ///
    /// ```
    /// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
    /// use stonechat_metrics::{Format, Registry, TraceId};
    ///
    /// let registry = Registry::builder().trace_ids(|| Some(TraceId(0xabc))).build()?;
    /// let sent = registry.histogram("send_seconds", "Time to send.").register()?;
    /// sent.observe(0.3);
    /// let text = registry.encode(Format::OpenMetrics);
    /// assert!(text.contains(r#"# {trace_id="00000000000000000000000000000abc"} 0.3"#));
    /// # Ok(())
    /// # }
    /// ```
    pub fn trace_ids(
        mut self,
        source: impl Fn() -> Option<TraceId> + Send + Sync + 'static,
    ) -> Self {
        self.settings.traces = Some(TraceSource::new(source));
        self
    }

    /// How many scrapers read this registry; one, unless this says otherwise. The series of an ended
    /// [`Session`](crate::Session) wait for so many scrapes, so that each of two Prometheus that watch the
    /// same service sees the end. Of registries that show each other the larger number counts.
    ///
    /// ```
    /// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
    /// use stonechat_metrics::{Format, Registry};
    ///
    /// let registry = Registry::builder().process(false).runtime(false).scrapers(2).build()?;
    /// let rtt = registry.gauge("rtt_seconds", "Round trip.").labels(["session_id"]).register()?;
    /// drop(registry.session().own(&rtt, ["s-1"]));
    /// for is_shown in [true, true, false] {
    ///     assert_eq!(registry.encode(Format::Text).contains("s-1"), is_shown);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn scrapers(mut self, scrapers: u32) -> Self {
        self.settings.scrapers = scrapers.max(1).into();
        self
    }

    /// Builds the registry.
    ///
    /// # Errors
    ///
    /// The name of a constant label is not valid, is reserved, or is there twice.
    pub fn build(self) -> Result<Registry, RegisterError> {
        self.check_labels()?;
        let collectors = collect::standard(self.place, self.process, self.runtime);
        let own = OwnMetrics::from_start(self.place);
        Ok(Registry::assemble(self.settings, collectors, own))
    }

    fn check_labels(&self) -> Result<(), RegisterError> {
        let labels = &self.settings.constant_labels;
        for (position, (name, _)) in labels.iter().enumerate() {
            let earlier = &labels[..position];
            let twice = earlier.iter().any(|(other, _)| other == name);
            // A histogram sets `le`, and the registry's own metrics set the rest.
            let reserved = ["le", "family", "worker"].contains(&name.as_str());
            let problem = match check_label_name(name) {
                Err(problem) => problem,
                Ok(()) if twice => Problem::LabelTwice(name.clone()),
                Ok(()) if reserved => Problem::LabelReserved(name.clone()),
                Ok(()) => continue,
            };
            let place = self.place;
            return Err(RegisterError::ConstantLabel { place, problem });
        }
        Ok(())
    }
}
