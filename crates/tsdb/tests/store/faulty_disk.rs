//! A disk in memory that does as it is told: it forgets what was not synced, fills up, tears writes, and stops
//! at any operation.

use std::collections::BTreeMap;
use std::io::{self, Cursor, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use stonechat_tsdb::disk::{Disk, DiskFile, DiskLock, DiskRead};

/// Cloning gives the same disk.
#[derive(Debug, Clone, Default)]
pub struct FaultyDisk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    inodes: Vec<Inode>,
    /// Names as the process sees them.
    names: BTreeMap<PathBuf, usize>,
    /// Names that survive a power cut.
    durable_names: BTreeMap<PathBuf, usize>,
    faults: Faults,
    /// Operations that changed something so far.
    operations: usize,
}

#[derive(Debug, Default, Clone)]
struct Inode {
    bytes: Vec<u8>,
    durable: Vec<u8>,
}

/// What goes wrong from now on.
#[derive(Debug, Default, Clone)]
pub struct Faults {
    /// The disk holds no more than this.
    pub capacity: Option<usize>,
    /// The next append writes so many bytes and fails; after that all is well.
    pub tear_next: Option<usize>,
    /// Cutting a file that is being written fails.
    pub truncate: bool,
    /// Syncing a file fails.
    pub sync: bool,
    /// Reading a file fails behind so many bytes.
    pub read_behind: Option<usize>,
    /// So many operations still happen; the next one tears if it writes, and none is done after that.
    pub operations_left: Option<usize>,
}

fn full() -> io::Error {
    ErrorKind::StorageFull.into()
}

fn broken() -> io::Error {
    io::Error::other("a fault of the test")
}

impl State {
    /// Counts an operation; an error when the process is dead by now.
    fn operate(&mut self) -> io::Result<()> {
        self.operations += 1;
        match &mut self.faults.operations_left {
            Some(0) => Err(broken()),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn append(&mut self, inode: usize, bytes: &[u8]) -> io::Result<()> {
        let last_breath = self.faults.operations_left == Some(1);
        self.operate()?;
        let used: usize = self
            .names
            .values()
            .map(|&inode| self.inodes[inode].bytes.len())
            .sum();
        let room = self
            .faults
            .capacity
            .map_or(usize::MAX, |capacity| capacity.saturating_sub(used));
        let mut written = bytes.len().min(room);
        let mut outcome = if written < bytes.len() {
            Err(full())
        } else {
            Ok(())
        };
        if let Some(torn) = self.faults.tear_next.take() {
            written = written.min(torn);
            outcome = Err(broken());
        }
        if last_breath {
            written /= 2;
            outcome = Err(broken());
        }
        self.inodes[inode].bytes.extend(&bytes[..written]);
        outcome
    }
}

impl FaultyDisk {
    /// Sets what goes wrong from now on.
    pub fn set(&self, faults: Faults) {
        self.0.lock().faults = faults;
    }

    /// Operations so far.
    pub fn operations(&self) -> usize {
        self.0.lock().operations
    }

    /// Bytes that the files take.
    pub fn used(&self) -> usize {
        let state = self.0.lock();
        state
            .names
            .values()
            .map(|&inode| state.inodes[inode].bytes.len())
            .sum()
    }

    /// The disk as the next process finds it when this one is killed now.
    pub fn after_kill(&self) -> Self {
        let state = self.0.lock();
        Self::of(&state.inodes, &state.names)
    }

    /// The disk as it is when the power is cut now; of what was not synced, `kept` bytes of each file remain, and the
    /// names of new files if `names` says so.
    pub fn after_power_cut(&self, kept: usize, names: bool) -> Self {
        let state = self.0.lock();
        let mut inodes = state.inodes.clone();
        for inode in &mut inodes {
            let durable = inode.durable.len();
            if inode.bytes.starts_with(&inode.durable) {
                let end = inode.bytes.len().min(durable + kept);
                inode.durable.extend(&inode.bytes[durable..end]);
            }
            inode.bytes.clone_from(&inode.durable);
        }
        let names = if names {
            &state.names
        } else {
            &state.durable_names
        };
        Self::of(&inodes, names)
    }

    fn of(inodes: &[Inode], names: &BTreeMap<PathBuf, usize>) -> Self {
        Self(Arc::new(Mutex::new(State {
            inodes: inodes.to_vec(),
            names: names.clone(),
            durable_names: names.clone(),
            ..State::default()
        })))
    }

    /// Paths of the files whose name ends so, in order.
    pub fn files(&self, ending: &str) -> Vec<PathBuf> {
        let state = self.0.lock();
        let names = state.names.keys();
        names
            .filter(|path| path.to_string_lossy().ends_with(ending))
            .cloned()
            .collect()
    }

    /// What stands in a file.
    pub fn read(&self, path: &Path) -> Vec<u8> {
        let state = self.0.lock();
        state.inodes[state.names[path]].bytes.clone()
    }

    /// Writes a file behind the store's back.
    pub fn write(&self, path: &Path, bytes: Vec<u8>) {
        let mut state = self.0.lock();
        let inode = state.names[path];
        state.inodes[inode].bytes = bytes;
    }
}

impl Disk for FaultyDisk {
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, _: &Path) -> io::Result<DiskLock> {
        Ok(Box::new(()))
    }

    fn lock_shared(&self, _: &Path) -> io::Result<DiskLock> {
        Ok(Box::new(()))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<(String, u64)>> {
        let state = self.0.lock();
        let files = state
            .names
            .iter()
            .filter(|(path, _)| path.parent() == Some(dir));
        let listed = files.map(|(path, &inode)| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, state.inodes[inode].bytes.len() as u64)
        });
        Ok(listed.collect())
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        let behind = self.0.lock().faults.read_behind;
        let mut bytes = self.read(path);
        match behind {
            Some(behind) if behind < bytes.len() => {
                bytes.truncate(behind);
                Ok(Box::new(Cursor::new(bytes).chain(Unreadable)))
            }
            _ => Ok(Box::new(Cursor::new(bytes))),
        }
    }

    fn open_at(&self, path: &Path) -> io::Result<Arc<dyn DiskRead>> {
        let state = self.0.lock();
        let inode = *state.names.get(path).ok_or(ErrorKind::NotFound)?;
        Ok(Arc::new(FaultyFile {
            state: Arc::clone(&self.0),
            inode,
        }))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.operate()?;
        let inode = *state.names.get(from).ok_or(ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), inode);
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.0.lock();
        state.operate()?;
        let inode = match state.names.get(path) {
            Some(&inode) => {
                state.inodes[inode].bytes.clear();
                inode
            }
            None => {
                state.inodes.push(Inode::default());
                let inode = state.inodes.len() - 1;
                state.names.insert(path.to_owned(), inode);
                inode
            }
        };
        Ok(Arc::new(FaultyFile {
            state: Arc::clone(&self.0),
            inode,
        }))
    }

    fn cut(&self, path: &Path, bytes: u64) -> io::Result<()> {
        let mut state = self.0.lock();
        state.operate()?;
        let inode = state.names[path];
        let inode = &mut state.inodes[inode];
        inode.bytes.truncate(usize::try_from(bytes).unwrap());
        inode.durable.clone_from(&inode.bytes);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.operate()?;
        let inode = state.names.remove(from).ok_or(ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), inode);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.operate()?;
        state.names.remove(path).ok_or(ErrorKind::NotFound)?;
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.operate()?;
        let State {
            names,
            durable_names,
            ..
        } = &mut *state;
        durable_names.retain(|path, _| path.parent() != Some(dir));
        let there = names.iter().filter(|(path, _)| path.parent() == Some(dir));
        durable_names.extend(there.map(|(path, inode)| (path.clone(), *inode)));
        Ok(())
    }
}

struct Unreadable;

impl Read for Unreadable {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(broken())
    }
}

#[derive(Debug)]
struct FaultyFile {
    state: Arc<Mutex<State>>,
    inode: usize,
}

impl DiskFile for FaultyFile {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.state.lock().append(self.inode, bytes)
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate()?;
        if state.faults.truncate {
            return Err(broken());
        }
        state.inodes[self.inode]
            .bytes
            .truncate(usize::try_from(bytes).unwrap());
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate()?;
        if state.faults.sync {
            return Err(broken());
        }
        let inode = &mut state.inodes[self.inode];
        inode.durable.clone_from(&inode.bytes);
        Ok(())
    }
}

impl DiskRead for FaultyFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let state = self.state.lock();
        let bytes = &state.inodes[self.inode].bytes;
        let from = usize::try_from(offset).unwrap();
        let to = from + buffer.len();
        if state.faults.read_behind.is_some_and(|behind| to > behind) {
            return Err(broken());
        }
        let wanted = bytes.get(from..to).ok_or(ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(wanted);
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.state.lock().inodes[self.inode].bytes.len() as u64)
    }
}
