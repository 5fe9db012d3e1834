use std::sync::Arc;

/// The bounds of a histogram's buckets, which all series of a family share.
#[derive(Debug, Clone)]
pub struct Bounds(Arc<Searchable>);

#[derive(Debug)]
struct Searchable {
    /// The bounds, if they fit in, and infinity in the places behind them.
    near: Option<[f64; NEAR]>,
    all: Arc<[f64]>,
}

/// Up to so many bounds, comparing with all of them, side by side, is faster than a search.
const NEAR: usize = 16;

impl Bounds {
    pub fn new(all: Arc<[f64]>) -> Self {
        let near = near(&all);
        Self(Arc::new(Searchable { near, all }))
    }

    pub fn len(&self) -> usize {
        self.0.all.len()
    }

    /// The bucket of a value: the first whose bound is not below it.
    #[inline]
    pub fn bucket(&self, value: f64) -> usize {
        match &self.0.near {
            Some(near) => near
                .map(|bound| u64::from(bound < value))
                .iter()
                .sum::<u64>() as usize,
            None => self.0.all.partition_point(|bound| *bound < value),
        }
    }
}

fn near(bounds: &[f64]) -> Option<[f64; NEAR]> {
    let mut near = [f64::INFINITY; NEAR];
    near.get_mut(..bounds.len())?.copy_from_slice(bounds);
    Some(near)
}
