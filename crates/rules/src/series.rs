//! Series that a rule writes, and the markers that end them.

use hashbrown::HashMap;
use stonechat_model::{
    AppendError, Appended, Appender, Batch, Labels, STALE_NAN, SeriesRef, Timestamp,
};

/// The series that a rule wrote in its last evaluation, with the store's references to them.
#[derive(Debug, Default)]
pub(crate) struct WrittenSeries {
    known: HashMap<Labels, Known>,
    round: u64,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    series: SeriesRef,
    /// The evaluation in which it was last written.
    round: u64,
}

/// What became of the samples of an evaluation.
#[derive(Debug)]
pub(crate) struct Written {
    pub appended: Appended,
    /// Why some series were left out, if any.
    pub no_room: Option<AppendError>,
}

impl WrittenSeries {
    /// Stores the samples of an evaluation, and ends the series that the evaluation before had and this one has not.
    /// A series that the store has no room for is left out; the others are stored.
    pub fn write(
        &mut self,
        appender: &dyn Appender,
        samples: &[(Labels, f64)],
        at: Timestamp,
    ) -> Result<Written, AppendError> {
        self.round += 1;
        let (mut batch, mut no_room) = (Batch::at(at), None);
        for (labels, value) in samples {
            match self.reference(appender, labels) {
                Ok(series) => batch.values.push((series, *value)),
                Err(error @ AppendError::SeriesLimit { .. }) => no_room = Some(error),
                Err(error) => return Err(error),
            }
        }
        let round = self.round;
        let ended = self.known.values().filter(|known| known.round != round);
        batch
            .values
            .extend(ended.map(|known| (known.series, STALE_NAN)));
        let appended = self.append(appender, samples, &batch)?;
        self.known.retain(|_, known| known.round == round);
        Ok(Written { appended, no_room })
    }

    /// All series of the last evaluation, which are forgotten: someone else ends them.
    pub fn take(&mut self) -> Vec<SeriesRef> {
        self.known.drain().map(|(_, known)| known.series).collect()
    }

    fn reference(
        &mut self,
        appender: &dyn Appender,
        labels: &Labels,
    ) -> Result<SeriesRef, AppendError> {
        let round = self.round;
        if let Some(known) = self.known.get_mut(labels) {
            known.round = round;
            return Ok(known.series);
        }
        let series = appender.series(labels)?;
        self.known.insert(labels.clone(), Known { series, round });
        Ok(series)
    }

    /// Appends, a second time with fresh references for series that the store has forgotten meanwhile.
    fn append(
        &mut self,
        appender: &dyn Appender,
        samples: &[(Labels, f64)],
        batch: &Batch,
    ) -> Result<Appended, AppendError> {
        let mut appended = appender.append(batch)?;
        if appended.unknown_series.is_empty() {
            return Ok(appended);
        }
        let mut again = Batch::at(batch.timestamp);
        for (labels, value) in samples {
            let Some(known) = self
                .known
                .get_mut(labels)
                .filter(|known| appended.unknown_series.contains(&known.series))
            else {
                continue;
            };
            known.series = appender.series(labels)?;
            again.values.push((known.series, *value));
        }
        let second = appender.append(&again)?;
        appended.accepted += second.accepted;
        appended.out_of_order += second.out_of_order;
        appended.duplicate += second.duplicate;
        appended.too_old += second.too_old;
        appended.unknown_series = second.unknown_series;
        Ok(appended)
    }
}

/// Ends series whose rule is gone. What the store refuses is written by another rule by now.
pub(crate) fn end(
    appender: &dyn Appender,
    series: &[SeriesRef],
    at: Timestamp,
) -> Result<(), AppendError> {
    if series.is_empty() {
        return Ok(());
    }
    let mut batch = Batch::at(at);
    batch
        .values
        .extend(series.iter().map(|&series| (series, STALE_NAN)));
    appender.append(&batch).map(|_| ())
}
