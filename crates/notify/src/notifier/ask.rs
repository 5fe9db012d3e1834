//! What people and programs ask of a running notifier, and the silences that they make.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use stonechat_model::{Labels, Timestamp};

use super::Notifier;
use crate::dispatch::{AlertView, GroupView, RouteView};
use crate::journal::Happened;
use crate::silence::{Silence, SilenceError};

/// An alert that fires, or has fired lately.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LateAlert {
    /// 16 hexadecimal digits that name its labels.
    pub fingerprint: String,
    /// Its labels.
    pub labels: Labels,
    /// When it began to fire, the last time.
    pub fired_at: Timestamp,
    /// Whether it still does.
    pub firing: bool,
}

impl Notifier {
    /// All alerts that are not over, with what keeps them quiet.
    #[must_use]
    pub fn alerts(&self) -> Vec<AlertView> {
        self.shared.dispatcher.lock().view_alerts(Timestamp::now())
    }

    /// All groups of alerts that are not over.
    #[must_use]
    pub fn groups(&self) -> Vec<GroupView> {
        self.shared.dispatcher.lock().view_groups(Timestamp::now())
    }

    /// Everything that decides who is told of an alert, which its fingerprint names; `None` when nothing is known of it.
    #[must_use]
    pub fn explain(&self, fingerprint: &str) -> Option<(AlertView, Vec<RouteView>)> {
        self.shared
            .dispatcher
            .lock()
            .explain(fingerprint, Timestamp::now())
    }

    /// All that has happened to an alert and to messages about it, oldest first, for as long as the delivery log reaches back.
    /// Reads files: call it where that may block.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn history(&self, fingerprint: &str) -> std::io::Result<Vec<Happened>> {
        self.shared.deliveries.journal().of_alert(fingerprint)
    }

    /// All alerts that fire, and those that are over and still in the delivery log, by fingerprint. Reads files: call it where
    /// that may block.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn alerts_of_late(&self) -> std::io::Result<Vec<LateAlert>> {
        let logged = self.shared.deliveries.journal().alerts()?;
        let over = logged.into_iter().map(|(fingerprint, (labels, fired_at))| {
            let alert = LateAlert {
                labels,
                fired_at,
                firing: false,
                fingerprint: fingerprint.clone(),
            };
            (fingerprint, alert)
        });
        let mut alerts: BTreeMap<String, LateAlert> = over.collect();
        for view in self.alerts() {
            let alert = LateAlert {
                labels: view.alert.labels,
                fired_at: view.alert.starts_at,
                firing: true,
                fingerprint: view.fingerprint.clone(),
            };
            alerts.insert(view.fingerprint, alert);
        }
        Ok(alerts.into_values().collect())
    }

    /// The names of all receivers.
    #[must_use]
    pub fn receivers(&self) -> Vec<String> {
        self.shared
            .dispatcher
            .lock()
            .config()
            .receivers
            .keys()
            .map(ToString::to_string)
            .collect()
    }

    /// The configuration without secrets, in the form of `alertmanager.yml`.
    #[must_use]
    pub fn shown_config(&self) -> serde_json::Value {
        self.shared.dispatcher.lock().config().shown()
    }

    /// How long an alert fires whose reporter says nothing of its end.
    #[must_use]
    pub fn resolve_timeout(&self) -> std::time::Duration {
        self.shared.dispatcher.lock().config().resolve_timeout
    }

    /// All silences, those that ended lately included.
    #[must_use]
    pub fn silences(&self) -> Vec<Silence> {
        self.shared
            .dispatcher
            .lock()
            .silences
            .iter()
            .cloned()
            .collect()
    }

    /// One silence.
    #[must_use]
    pub fn silence(&self, id: &str) -> Option<Silence> {
        self.shared.dispatcher.lock().silences.get(id).cloned()
    }

    /// Makes a silence, or changes the one that it names; gives the name of the one that now holds. It holds from when this
    /// returns, also after a power cut. Writes to the disk: call it where that may block.
    ///
    /// # Errors
    /// When it says nothing that can be, or cannot be kept; then nothing has changed.
    pub fn set_silence(&self, silence: Silence) -> Result<String, SilenceError> {
        let file = self.shared.silence_file.lock();
        let now = Timestamp::now();
        let silences = self.shared.dispatcher.lock().silences.clone();
        let (next, id) = silences.with(silence, now, uuid())?;
        file.write(&next)?;
        self.shared.dispatcher.lock().silences = next;
        Ok(id)
    }

    /// Ends a silence. Writes to the disk, like [`set_silence`](Self::set_silence).
    ///
    /// # Errors
    /// When there is none of that name, or its end cannot be kept.
    pub fn expire_silence(&self, id: &str) -> Result<(), SilenceError> {
        let file = self.shared.silence_file.lock();
        let silences = self.shared.dispatcher.lock().silences.clone();
        let next = silences.without(id, Timestamp::now())?;
        file.write(&next)?;
        self.shared.dispatcher.lock().silences = next;
        Ok(())
    }
}

/// A random UUID, version 4. The standard library's hasher is seeded by the system, and nobody gains by guessing a name.
fn uuid() -> String {
    let random = |salt: u8| u128::from(RandomState::new().hash_one(salt));
    let bits = (random(0) << 64) | random(1);
    let bits = (bits & !(0xf000 << 64) & !(0b11 << 62)) | (0x4000 << 64) | (0b10 << 62);
    let digits = format!("{bits:032x}");
    let (a, b, c, d, e) = (
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..],
    );
    format!("{a}-{b}-{c}-{d}-{e}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn uuids_say_that_they_are_random() {
        let (one, other) = (super::uuid(), super::uuid());
        assert_ne!(one, other);
        assert_eq!(one.len(), 36);
        assert_eq!(&one[14..15], "4");
        assert!("89ab".contains(&one[19..20]), "{one}");
    }
}
