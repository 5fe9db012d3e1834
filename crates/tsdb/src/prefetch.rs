//! Memory that is needed in a moment.

/// Asks the processor to fetch the cache line of a value, so that it is there when it is wanted. Does nothing on processors that cannot
/// be asked.
#[inline]
pub(crate) fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code, reason = "the instruction has no safe name")]
    // SAFETY: the instruction is part of every x86-64, reads nothing and faults on no address, and this one is valid.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
