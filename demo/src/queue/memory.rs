use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{Entry, EntryId, QueueError};
use crate::wire::Delivery;

/// A queue inside the process.
#[derive(Debug)]
pub(crate) struct MemoryQueue {
    capacity: u32,
    state: Mutex<State>,
    published: Notify,
}

#[derive(Debug, Default)]
struct State {
    next_key: u64,
    waiting: VecDeque<(u64, Arc<Delivery>)>,
    /// Received and not acknowledged, by all consumers together.
    taken: usize,
}

impl State {
    fn lag(&self) -> usize {
        self.waiting.len() + self.taken
    }
}

impl MemoryQueue {
    pub fn new(capacity: u32) -> Self {
        Self {
            capacity,
            state: Mutex::default(),
            published: Notify::new(),
        }
    }

    pub fn publish(&self, delivery: Delivery) -> Result<(), QueueError> {
        let mut state = self.state.lock();
        if state.lag() as u64 >= u64::from(self.capacity) {
            return Err(QueueError::Full {
                capacity: self.capacity,
            });
        }
        let key = state.next_key;
        state.next_key += 1;
        state.waiting.push_back((key, Arc::new(delivery)));
        drop(state);
        self.published.notify_one();
        Ok(())
    }

    pub fn lag(&self) -> u64 {
        self.state.lock().lag() as u64
    }

    pub fn pending(&self) -> u64 {
        self.state.lock().taken as u64
    }

    fn take(&self, count: usize) -> Vec<(u64, Arc<Delivery>)> {
        let mut state = self.state.lock();
        let count = count.min(state.waiting.len());
        let taken: Vec<_> = state.waiting.drain(..count).collect();
        state.taken += taken.len();
        taken
    }
}

/// Takes messages from a [`MemoryQueue`]; dropping it puts back what was not acknowledged.
#[derive(Debug)]
pub(crate) struct MemoryConsumer {
    queue: Arc<MemoryQueue>,
    taken: BTreeMap<u64, Arc<Delivery>>,
}

impl MemoryConsumer {
    pub fn new(queue: Arc<MemoryQueue>) -> Self {
        Self {
            queue,
            taken: BTreeMap::new(),
        }
    }

    pub async fn receive(&mut self, count: usize) -> Vec<Entry> {
        loop {
            // Created before looking, so that a message published in between wakes it.
            let published = self.queue.published.notified();
            let taken = self.queue.take(count);
            if taken.is_empty() {
                published.await;
                continue;
            }
            self.taken.extend(taken.iter().cloned());
            let entry = |(key, delivery)| Entry {
                id: EntryId::Memory(key),
                delivery: Some(delivery),
            };
            return taken.into_iter().map(entry).collect();
        }
    }

    pub fn acknowledge(&mut self, entries: &[EntryId]) {
        let mut done = 0;
        for entry in entries {
            if let EntryId::Memory(key) = entry {
                done += usize::from(self.taken.remove(key).is_some());
            }
        }
        self.queue.state.lock().taken -= done;
    }
}

impl Drop for MemoryConsumer {
    fn drop(&mut self) {
        let left = std::mem::take(&mut self.taken);
        let mut state = self.queue.state.lock();
        state.taken -= left.len();
        for entry in left.into_iter().rev() {
            state.waiting.push_front(entry);
        }
        drop(state);
        self.queue.published.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use stonechat_metrics::Registry;

    use super::super::tests::{check_contract, delivery, publish, receive};
    use super::super::{Queue, QueueConfig};

    #[tokio::test]
    async fn the_queue_in_the_process_keeps_the_contract() {
        let queue = Queue::open(&QueueConfig::Memory, 5, &Registry::bare())
            .await
            .unwrap();
        check_contract(&queue, 5).await;
    }

    #[tokio::test]
    async fn a_waiting_consumer_is_woken_by_a_message() {
        let queue = Queue::open(&QueueConfig::Memory, 5, &Registry::bare())
            .await
            .unwrap();
        let mut consumer = queue.consumer("only").await.unwrap();
        let waiting = tokio::spawn(async move { receive(&mut consumer, 1).await.0 });
        tokio::task::yield_now().await;
        publish(&queue, [7]).await;
        assert_eq!(waiting.await.unwrap(), [delivery(7).message_id.0]);
    }
}
