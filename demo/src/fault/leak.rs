use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Fault, Faults};

/// Memory is taken in steps of this size,
const STEP_BYTES: usize = 1024 * 1024;
/// one step each time,
const STEP_EVERY: Duration = Duration::from_millis(200);
/// up to this much.
const HELD_BYTES_MAX: usize = 512 * 1024 * 1024;

/// The allocator gives a block back to the system as soon as it is freed only if the block is large
/// (glibc: more than 32 MiB); smaller ones could leave the resident memory high after the fault.
const BLOCK_BYTES: usize = 64 * 1024 * 1024;

/// Memory that nobody needs.
#[derive(Default)]
struct Hoard {
    blocks: Vec<Vec<u8>>,
}

impl Hoard {
    fn held_bytes(&self) -> usize {
        self.blocks.iter().map(Vec::len).sum()
    }

    fn grow(&mut self) {
        if self.held_bytes() + STEP_BYTES > HELD_BYTES_MAX {
            return;
        }
        match self.blocks.last_mut() {
            // Writing makes the pages resident; merely reserving them would not.
            Some(block) if block.len() + STEP_BYTES <= BLOCK_BYTES => {
                block.resize(block.len() + STEP_BYTES, 1);
            }
            _ => {
                let mut block = Vec::with_capacity(BLOCK_BYTES);
                block.resize(STEP_BYTES, 1);
                self.blocks.push(block);
            }
        }
    }
}

/// Loses memory while [`Fault::MemoryLeak`] is on, and frees it when the fault is switched off.
pub(crate) async fn leak_while_on(faults: &Faults, stop: &CancellationToken) {
    let leaking = async {
        loop {
            faults.until(Fault::MemoryLeak, true).await;
            let mut hoard = Hoard::default();
            let mut steps = tokio::time::interval(STEP_EVERY);
            while faults.is_on(Fault::MemoryLeak) {
                hoard.grow();
                tokio::select! {
                    _ = steps.tick() => {}
                    () = faults.until(Fault::MemoryLeak, false) => {}
                }
            }
        }
    };
    stop.run_until_cancelled(leaking).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hoard_grows_by_steps_to_its_limit() {
        let mut hoard = Hoard::default();
        for step in 1..=3 {
            hoard.grow();
            assert_eq!(hoard.held_bytes(), step * STEP_BYTES);
        }
        let full = Hoard {
            blocks: vec![vec![0; HELD_BYTES_MAX]],
        };
        let mut hoard = full;
        hoard.grow();
        assert_eq!(hoard.held_bytes(), HELD_BYTES_MAX);
    }

    #[test]
    fn every_block_is_large_enough_to_be_given_back() {
        let mut hoard = Hoard::default();
        (0..=BLOCK_BYTES / STEP_BYTES).for_each(|_| hoard.grow());
        assert_eq!(hoard.blocks.len(), 2);
        assert!(
            hoard
                .blocks
                .iter()
                .all(|block| block.capacity() >= BLOCK_BYTES)
        );
    }
}
