//! The types a buffer can hold.

/// A plain number that can be copied between host and device.
///
/// # Safety
///
/// An implementing type must
/// - have no padding and no bytes that may be uninitialised,
/// - be valid for every bit pattern (device memory starts with unspecified contents),
/// - be free of references, pointers that are followed, and interior mutability.
pub unsafe trait Element: Copy + Send + Sync + 'static {}

macro_rules! plain_numbers {
    ($($number:ty),* $(,)?) => {
        $(
            // SAFETY: a primitive number (or a transparent wrapper around u16, for the two 16-bit floats): no padding, and every
            // bit pattern is a value.
            unsafe impl Element for $number {}
        )*
    };
}

plain_numbers!(u8, i8, u16, i16, u32, i32, u64, i64, f32, f64, half::f16, half::bf16);

// SAFETY: an array of elements has no padding between them, and is valid for every bit pattern because each of them is.
unsafe impl<T: Element, const N: usize> Element for [T; N] {}
