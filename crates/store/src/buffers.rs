//! Buffers that files are read into, used again: memory that was never touched costs as much as the copy into it.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::runtime::Handle;

/// A buffer serves reads that leave less than this part of it empty.
const EMPTY_PART: usize = 4;

/// The buffers of one fetch.
#[derive(Debug)]
pub(crate) struct Buffers {
    /// More bytes than this are not kept.
    limit: u64,
    pool: Mutex<Pool>,
}

#[derive(Debug, Default)]
struct Pool {
    free: Vec<Vec<u8>>,
    /// Bytes of all buffers, free or in use.
    total: u64,
}

impl Buffers {
    pub(crate) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self { limit, pool: Mutex::default() })
    }

    /// Reads `range` of `file`, or what there is of it, in a thread that may block if there is a runtime to ask for one.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub(crate) async fn read(self: &Arc<Self>, file: File, range: Range<u64>) -> io::Result<Bytes> {
        let buffers = Arc::clone(self);
        let read = move || buffers.read_now(file, range);
        match Handle::try_current() {
            Ok(runtime) => runtime.spawn_blocking(read).await.map_err(io::Error::other)?,
            Err(_) => read(),
        }
    }

    fn read_now(self: Arc<Self>, mut file: File, range: Range<u64>) -> io::Result<Bytes> {
        let length = usize::try_from(range.end.saturating_sub(range.start));
        let length = length.map_err(|_| io::Error::from(ErrorKind::OutOfMemory))?;
        file.seek(SeekFrom::Start(range.start))?;
        let mut buffer = Buffer { bytes: self.take(length), length: 0, buffers: self };
        let mut rest = buffer.bytes.get_mut(..length).unwrap_or_default();
        while !rest.is_empty() {
            match file.read(rest) {
                Ok(0) => break,
                Ok(n) => {
                    buffer.length += n;
                    rest = rest.get_mut(n..).unwrap_or_default();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Bytes::from_owner(buffer))
    }

    /// A buffer of at least `length` bytes; what is in it has no meaning.
    fn take(&self, length: usize) -> Vec<u8> {
        let mut pool = self.lock();
        let fits = |buffer: &Vec<u8>| {
            buffer.len().checked_sub(length).is_some_and(|empty| empty <= buffer.len() / EMPTY_PART)
        };
        if let Some(i) = pool.free.iter().position(fits) {
            return pool.free.swap_remove(i);
        }
        pool.total = pool.total.saturating_add(length as u64);
        while pool.total > self.limit
            && let Some(buffer) = pool.free.pop()
        {
            pool.total -= buffer.len() as u64;
        }
        drop(pool);
        vec![0; length]
    }

    fn put(&self, buffer: Vec<u8>) {
        let mut pool = self.lock();
        if pool.total > self.limit {
            pool.total -= buffer.len() as u64;
        } else {
            pool.free.push(buffer);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A buffer in use.
struct Buffer {
    bytes: Vec<u8>,
    /// How many of the bytes were read.
    length: usize,
    buffers: Arc<Buffers>,
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.buffers.put(std::mem::take(&mut self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn file() -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&(0..200).collect::<Vec<u8>>()).unwrap();
        file
    }

    fn read(buffers: &Arc<Buffers>, range: Range<u64>) -> Bytes {
        Arc::clone(buffers).read_now(file(), range).unwrap()
    }

    #[test]
    fn a_buffer_is_used_again_and_shows_only_what_was_read_last() {
        let buffers = Buffers::new(100);
        let first = read(&buffers, 0..100);
        let place = first.as_ptr();
        drop(first);
        let second = read(&buffers, 20..110);
        assert_eq!((second.as_ptr(), second.len()), (place, 90));
        assert_eq!((second[0], second[89]), (20, 109));
        assert_ne!(read(&buffers, 0..100).as_ptr(), place);
    }

    #[test]
    fn a_read_ends_where_the_file_ends() {
        assert_eq!(read(&Buffers::new(0), 190..300)[..], [190, 191, 192, 193, 194, 195, 196, 197, 198, 199]);
    }

    #[test]
    fn no_more_is_kept_than_the_limit() {
        let buffers = Buffers::new(100);
        let held = [read(&buffers, 0..60), read(&buffers, 0..60)];
        drop(held);
        assert_eq!(buffers.lock().total, 60);
        drop(read(&buffers, 0..100));
        assert_eq!(buffers.lock().total, 100);
        assert_eq!(buffers.lock().free.len(), 1);
    }
}
