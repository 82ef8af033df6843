//! Temporary f32 buffers that outlive the call that needs them, so that a steady state allocates nothing.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

thread_local! {
    static FREE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// The buffers a thread keeps; more are freed.
const KEPT: usize = 8;

/// A buffer of f32 with undefined contents, given back to the thread's pool when dropped.
#[derive(Debug)]
pub struct Buffer(Vec<f32>);

impl Buffer {
    /// A buffer of `len` elements: the pooled one that fits best, or a new one.
    pub fn take(len: usize) -> Self {
        let pooled = FREE.with_borrow_mut(|free| {
            let fits = (0..free.len()).filter(|&i| free[i].capacity() >= len).min_by_key(|&i| free[i].capacity());
            fits.or_else(|| free.len().checked_sub(1)).map(|i| free.swap_remove(i))
        });
        let mut buffer = pooled.unwrap_or_default();
        if buffer.capacity() < len {
            buffer = Vec::with_capacity(len);
        }
        buffer.resize(len, 0.0);
        Self(buffer)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.0);
        // During a thread's exit the pool may be gone: then the buffer is freed.
        let _ = FREE.try_with(|free| {
            let mut free = free.borrow_mut();
            if free.len() < KEPT {
                free.push(buffer);
            }
        });
    }
}

impl Deref for Buffer {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Buffer;

    #[test]
    fn buffers_come_back() {
        let first = Buffer::take(1000);
        let address = first.as_ptr();
        drop(first);
        let second = Buffer::take(900);
        assert_eq!((second.len(), second.as_ptr()), (900, address));
        assert_eq!(Buffer::take(0).len(), 0);
    }
}
