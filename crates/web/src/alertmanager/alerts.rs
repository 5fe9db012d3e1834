//! Alerts and their groups.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use stonechat_model::{Alert, AlertSink, Labels, MatchOp, Matcher, Timestamp};
use stonechat_notify::{AlertView, parse_matchers};

use super::wire::{Name, PostedAlert, ShownAlert, ShownGroup, time};
use super::{Answer, Refusal, body, ok};
use crate::Rooms;
use crate::params::Params;

/// Which alerts are asked for.
struct Choice {
    active: bool,
    silenced: bool,
    inhibited: bool,
    muted: bool,
    matchers: Vec<Matcher>,
    receiver: Option<Matcher>,
}

impl Choice {
    fn read(params: &Params) -> Result<Self, Refusal> {
        let wanted = |name: &str| match params.get(name) {
            None => Ok(true),
            Some(_) => params
                .flag(name)
                .map_err(|_| Refusal::bad(format!("{name} is neither true nor false"))),
        };
        let receiver = params.get("receiver").map(|pattern| {
            Matcher::new("receiver", MatchOp::Regex, pattern)
                .map_err(|error| Refusal::bad(format!("failed to parse receiver param: {error}")))
        });
        Ok(Self {
            active: wanted("active")?,
            silenced: wanted("silenced")?,
            inhibited: wanted("inhibited")?,
            muted: wanted("muted")?,
            matchers: filter(params)?,
            receiver: receiver.transpose()?,
        })
    }

    fn takes_receiver(&self, receiver: &str) -> bool {
        self.receiver
            .as_ref()
            .is_none_or(|pattern| pattern.matches(receiver))
    }

    fn takes(&self, alert: &AlertView) -> bool {
        let (silenced, inhibited) = (
            !alert.silenced_by.is_empty(),
            !alert.inhibited_by.is_empty(),
        );
        let shown = if silenced || inhibited {
            (self.silenced || !silenced) && (self.inhibited || !inhibited)
        } else {
            self.active
        };
        let labels = &alert.alert.labels;
        let matches =
            |matcher: &Matcher| matcher.matches(labels.get(matcher.name()).unwrap_or_default());
        shown && (self.muted || alert.muted_by.is_empty()) && self.matchers.iter().all(matches)
    }
}

/// The conditions that stand in the parameters `filter`.
pub(super) fn filter(params: &Params) -> Result<Vec<Matcher>, Refusal> {
    let mut all = Vec::new();
    for text in params.all("filter") {
        all.extend(
            parse_matchers(text)
                .map_err(|error| Refusal::bad(format!("bad matcher format: {error}")))?,
        );
    }
    Ok(all)
}

pub(super) async fn list(State(rooms): State<Rooms>, params: Params) -> Answer {
    let choice = Choice::read(&params)?;
    let mut alerts = rooms.notifier.alerts();
    alerts.retain(|alert| {
        choice.takes(alert)
            && alert
                .receivers
                .iter()
                .any(|receiver| choice.takes_receiver(receiver))
    });
    ok(&alerts.into_iter().map(ShownAlert::of).collect::<Vec<_>>())
}

pub(super) async fn groups(State(rooms): State<Rooms>, params: Params) -> Answer {
    let choice = Choice::read(&params)?;
    let groups = rooms.notifier.groups().into_iter();
    let groups = groups
        .filter(|group| choice.takes_receiver(&group.receiver))
        .filter_map(|mut group| {
            group.alerts.retain(|alert| choice.takes(alert));
            (!group.alerts.is_empty()).then(|| ShownGroup {
                alerts: group.alerts.into_iter().map(ShownAlert::of).collect(),
                labels: group.labels,
                receiver: Name {
                    name: group.receiver,
                },
            })
        });
    ok(&groups.collect::<Vec<_>>())
}

/// Takes reports. Good ones are taken even when others beside them are not.
pub(super) async fn take(State(rooms): State<Rooms>, request: Request) -> Answer {
    let body = body(request).await?;
    let posted: Vec<PostedAlert> =
        serde_json::from_slice(&body).map_err(|error| Refusal::bad(error.to_string()))?;
    let now = Timestamp::now();
    let timeout_at = now.plus(rooms.notifier.resolve_timeout());
    let (mut alerts, mut refused) = (Vec::new(), Vec::new());
    for alert in posted {
        match read(alert, now, timeout_at) {
            Ok(alert) => alerts.push(alert),
            Err(reason) => refused.push(reason),
        }
    }
    rooms.notifier.put(alerts);
    match refused.is_empty() {
        true => Ok(StatusCode::OK.into_response()),
        false => Err(Refusal::bad(refused.join("; "))),
    }
}

fn read(posted: PostedAlert, now: Timestamp, timeout_at: Timestamp) -> Result<Alert, String> {
    let pairs = posted.labels.iter().filter(|(_, value)| !value.is_empty());
    let labels = Labels::from_pairs(pairs).map_err(|error| error.to_string())?;
    if labels.is_empty() {
        return Err("at least one label pair required".to_owned());
    }
    let ends_at = time(posted.ends_at.as_deref().unwrap_or_default())?;
    let starts_at = time(posted.starts_at.as_deref().unwrap_or_default())?;
    let starts_at = starts_at.unwrap_or_else(|| ends_at.map_or(now, |end| end.min(now)));
    let ends_at = ends_at.unwrap_or(timeout_at);
    if ends_at < starts_at {
        return Err("start time must be before end time".to_owned());
    }
    Ok(Alert {
        labels,
        annotations: posted.annotations.unwrap_or_default(),
        starts_at,
        ends_at,
        generator_url: posted.generator_url.unwrap_or_default(),
    })
}
