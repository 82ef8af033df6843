//! Vectors of AVX2 and AVX-512.

use std::arch::x86_64::{
    __m256, __m256i, __m512, _mm256_andnot_si256, _mm256_blendv_ps, _mm256_castpd_ps, _mm256_castps_pd,
    _mm256_castsi256_ps, _mm256_cmpgt_epi32, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_maskload_ps, _mm256_maskstore_ps,
    _mm256_max_ps, _mm256_permute4x64_pd, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setr_epi32, _mm256_shuffle_ps,
    _mm256_storeu_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_loadu_ps, _mm512_mask_storeu_ps, _mm512_max_ps,
    _mm512_permutex2var_ps, _mm512_set1_ps, _mm512_setr_epi32, _mm512_storeu_ps,
};

use super::Simd;

macro_rules! proof {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name(());

        impl $name {
            /// The proof that the processor has the instructions.
            ///
            /// # Safety
            /// [`Isa::detect`](super::Isa::detect) found them.
            #[inline(always)]
            pub unsafe fn assume() -> Self {
                Self(())
            }
        }
    };
}

proof!(
    /// Eight lanes.
    Avx2
);
proof!(
    /// Sixteen lanes.
    Avx512
);

impl Simd for Avx512 {
    type V = __m512;
    const LANES: usize = 16;
    const FMA: bool = true;

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        // SAFETY: `self` proves that the processor has the instruction.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: `self` proves that the processor has the instruction.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves that the processor has the instruction; it returns its second operand unless the first is larger.
        unsafe { _mm512_max_ps(b, a) }
    }

    #[inline(always)]
    fn even(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves that the processor has the instruction.
        let order = unsafe { _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30) };
        // SAFETY: as above.
        unsafe { _mm512_permutex2var_ps(a, order, b) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m512 {
        // SAFETY: `self` proves that the processor has the instruction; the caller promises readable elements.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: __m512) {
        // SAFETY: `self` proves that the processor has the instruction; the caller promises writable elements.
        unsafe { _mm512_storeu_ps(to, value) }
    }

    #[inline(always)]
    unsafe fn load_part(self, from: *const f32, first: usize, end: usize, fill: __m512) -> __m512 {
        let mask = mask16(end) & !mask16(first);
        // SAFETY: `self` proves that the processor has the instruction; the caller promises that the lanes of the mask are readable.
        unsafe { _mm512_mask_loadu_ps(fill, mask, from) }
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, count: usize, value: __m512) {
        // SAFETY: `self` proves that the processor has the instruction; the caller promises that the lanes of the mask are writable.
        unsafe { _mm512_mask_storeu_ps(to, mask16(count), value) }
    }
}

/// The mask of the first `count` of sixteen lanes.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "bits above the sixteenth are cut off on purpose")]
fn mask16(count: usize) -> u16 {
    ((1u32 << (count & 31)) - 1) as u16
}

/// The mask of lanes `first..end` of eight, as sign bits.
///
/// # Safety
/// The processor has AVX2.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "lanes are at most eight")]
unsafe fn mask8(first: usize, end: usize) -> __m256i {
    // SAFETY: the caller promises AVX2.
    let lanes = unsafe { _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7) };
    // SAFETY: as above.
    let end = unsafe { _mm256_set1_epi32(end as i32) };
    // SAFETY: as above.
    let first = unsafe { _mm256_set1_epi32(first as i32) };
    // SAFETY: as above.
    let below = unsafe { _mm256_cmpgt_epi32(end, lanes) };
    // SAFETY: as above.
    let before = unsafe { _mm256_cmpgt_epi32(first, lanes) };
    // SAFETY: as above.
    unsafe { _mm256_andnot_si256(before, below) }
}

impl Simd for Avx2 {
    type V = __m256;
    const LANES: usize = 8;
    const FMA: bool = true;

    #[inline(always)]
    fn splat(self, value: f32) -> __m256 {
        // SAFETY: `self` proves that the processor has the instruction.
        unsafe { _mm256_set1_ps(value) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: `self` proves that the processor has the instruction.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves that the processor has the instruction; it returns its second operand unless the first is larger.
        unsafe { _mm256_max_ps(b, a) }
    }

    #[inline(always)]
    fn even(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves that the processor has the instruction. Lanes a0 a2 b0 b2 | a4 a6 b4 b6.
        let mixed = unsafe { _mm256_shuffle_ps::<0b10_00_10_00>(a, b) };
        // SAFETY: as above.
        let pairs = unsafe { _mm256_castps_pd(mixed) };
        // SAFETY: as above. The pairs in the order 0, 2, 1, 3.
        let sorted = unsafe { _mm256_permute4x64_pd::<0b11_01_10_00>(pairs) };
        // SAFETY: as above.
        unsafe { _mm256_castpd_ps(sorted) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m256 {
        // SAFETY: `self` proves that the processor has the instruction; the caller promises readable elements.
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: __m256) {
        // SAFETY: `self` proves that the processor has the instruction; the caller promises writable elements.
        unsafe { _mm256_storeu_ps(to, value) }
    }

    #[inline(always)]
    unsafe fn load_part(self, from: *const f32, first: usize, end: usize, fill: __m256) -> __m256 {
        // SAFETY: `self` proves that the processor has AVX2.
        let mask = unsafe { mask8(first, end) };
        // SAFETY: as above; the caller promises that the lanes of the mask are readable.
        let value = unsafe { _mm256_maskload_ps(from, mask) };
        // SAFETY: as above.
        let mask = unsafe { _mm256_castsi256_ps(mask) };
        // SAFETY: as above.
        unsafe { _mm256_blendv_ps(fill, value, mask) }
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, count: usize, value: __m256) {
        // SAFETY: `self` proves that the processor has AVX2.
        let mask = unsafe { mask8(0, count) };
        // SAFETY: as above; the caller promises that the lanes of the mask are writable.
        unsafe { _mm256_maskstore_ps(to, mask, value) }
    }
}
