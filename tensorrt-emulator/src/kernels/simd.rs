//! Vectors of f32 under one name on every instruction set, and the choice of the set.

#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "x86_64")]
pub use x86::{Avx2, Avx512};

/// The instruction sets that kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isa {
    /// What every processor of the architecture has.
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 F, VL, BW and DQ.
    Avx512,
}

impl Isa {
    /// The best set that this processor has.
    #[inline]
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("fma")
            {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Self::Avx2;
            }
        }
        Self::Portable
    }

    /// The lanes of a vector.
    pub const fn lanes(self) -> usize {
        match self {
            Self::Portable => Portable::LANES,
            Self::Avx2 => 8,
            Self::Avx512 => 16,
        }
    }
}

/// A vector of f32 on one instruction set. A value of the type is the proof that the processor has it.
pub trait Simd: Copy {
    /// A vector.
    type V: Copy;
    /// The lanes of a vector.
    const LANES: usize;
    /// Whether a fused multiply-add is one instruction (it is a slow library call elsewhere).
    const FMA: bool;

    /// `value` in every lane.
    fn splat(self, value: f32) -> Self::V;

    /// `a * b + c`.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;

    /// The larger elements: `b` where it is larger, `a` elsewhere (also where either is NaN).
    fn max(self, a: Self::V, b: Self::V) -> Self::V;

    /// Elements 0, 2, 4, … of `a` followed by `b`.
    fn even(self, a: Self::V, b: Self::V) -> Self::V;

    /// Reads a vector.
    ///
    /// # Safety
    /// `LANES` elements from `from` are readable.
    unsafe fn load(self, from: *const f32) -> Self::V;

    /// Writes a vector.
    ///
    /// # Safety
    /// `LANES` elements from `to` are writable.
    unsafe fn store(self, to: *mut f32, value: Self::V);

    /// Reads lanes `first..end` of a vector; the others are `fill`'s. `from` may point outside of all memory where no lane is read.
    ///
    /// # Safety
    /// Those lanes are readable, and `end` is at most `LANES`.
    unsafe fn load_part(self, from: *const f32, first: usize, end: usize, fill: Self::V) -> Self::V;

    /// Writes the first `count` lanes of a vector.
    ///
    /// # Safety
    /// They are writable, and `count` is at most `LANES`.
    unsafe fn store_part(self, to: *mut f32, count: usize, value: Self::V);
}

/// Four lanes that the compiler maps to whatever the architecture has.
#[derive(Debug, Clone, Copy)]
pub struct Portable;

impl Simd for Portable {
    type V = [f32; 4];
    const LANES: usize = 4;
    const FMA: bool = false;

    #[inline(always)]
    fn splat(self, value: f32) -> Self::V {
        [value; 4]
    }

    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        [a[0] * b[0] + c[0], a[1] * b[1] + c[1], a[2] * b[2] + c[2], a[3] * b[3] + c[3]]
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> Self::V {
        // SAFETY: the caller promises four readable elements; an unaligned read has no other condition.
        unsafe { from.cast::<[f32; 4]>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: Self::V) {
        // SAFETY: the caller promises four writable elements; an unaligned write has no other condition.
        unsafe { to.cast::<[f32; 4]>().write_unaligned(value) }
    }

    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|i| if b[i] > a[i] { b[i] } else { a[i] })
    }

    #[inline(always)]
    fn even(self, a: Self::V, b: Self::V) -> Self::V {
        [a[0], a[2], b[0], b[2]]
    }

    #[inline(always)]
    unsafe fn load_part(self, from: *const f32, first: usize, end: usize, fill: Self::V) -> Self::V {
        let mut value = fill;
        for (lane, slot) in value.iter_mut().enumerate().take(end).skip(first) {
            // SAFETY: the caller promises that the lane is readable.
            *slot = unsafe { from.wrapping_add(lane).read() };
        }
        value
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, count: usize, value: Self::V) {
        for (lane, &value) in value.iter().enumerate().take(count) {
            // SAFETY: the caller promises that the lane is writable.
            unsafe { to.wrapping_add(lane).write(value) };
        }
    }
}

/// A loop to be compiled once per instruction set: safe code that the compiler vectorises, or code over [`Simd`].
pub trait Op {
    /// What the loop returns.
    type Output;

    /// Runs the loop. Must be `#[inline(always)]`, or it is compiled without the instructions.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Runs `op` as compiled for the best instruction set that the processor has.
#[inline]
pub fn dispatch<O: Op>(op: O) -> O::Output {
    dispatch_on(Isa::detect(), op)
}

/// Runs `op` as compiled for `isa`, or for a lesser set where the processor lacks it.
#[inline]
pub fn dispatch_on<O: Op>(isa: Isa, op: O) -> O::Output {
    #[cfg(target_arch = "x86_64")]
    {
        let best = Isa::detect();
        match isa {
            // SAFETY: `detect` just found the instructions.
            Isa::Avx512 if best == Isa::Avx512 => return unsafe { run_avx512(op) },
            // SAFETY: `detect` just found the instructions (a processor with AVX-512 has AVX2 and FMA).
            Isa::Avx2 | Isa::Avx512 if best != Isa::Portable => return unsafe { run_avx2(op) },
            _ => {}
        }
    }
    let _ = isa;
    op.run(Portable)
}

/// # Safety
/// [`Isa::detect`] found AVX-512.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,fma,bmi1,bmi2,lzcnt,popcnt,f16c")]
unsafe fn run_avx512<O: Op>(op: O) -> O::Output {
    // SAFETY: this function's own condition.
    let simd = unsafe { Avx512::assume() };
    op.run(simd)
}

/// # Safety
/// [`Isa::detect`] found AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn run_avx2<O: Op>(op: O) -> O::Output {
    // SAFETY: this function's own condition.
    let simd = unsafe { Avx2::assume() };
    op.run(simd)
}
