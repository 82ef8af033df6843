//! The same mutations in every run.

/// xorshift64*, seeded by what is mutated.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        // The generator's state may not be zero, and neighbouring seeds shall differ in all bits.
        Self(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `bound`, or 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let number = usize::try_from(self.next() >> 33).unwrap_or(0);
        number.checked_rem(bound).unwrap_or(0)
    }

    pub(crate) fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    pub(crate) fn pick<'t, T>(&mut self, list: &'t [T]) -> Option<&'t T> {
        list.get(self.below(list.len()))
    }

    pub(crate) fn pick_mut<'t, T>(&mut self, list: &'t mut [T]) -> Option<&'t mut T> {
        let at = self.below(list.len());
        list.get_mut(at)
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    /// A number that code tends to forget.
    pub(crate) fn integer(&mut self) -> i64 {
        const INTERESTING: [i64; 28] = [
            i64::MIN,
            i64::MIN + 1,
            -(1 << 40),
            i32::MIN as i64,
            -65536,
            -9,
            -8,
            -4,
            -3,
            -2,
            -1,
            0,
            1,
            2,
            3,
            4,
            5,
            7,
            8,
            9,
            255,
            65536,
            i32::MAX as i64,
            1 << 31,
            1 << 32,
            1 << 40,
            i64::MAX - 1,
            i64::MAX,
        ];
        match self.below(8) {
            0 => self.next().cast_signed(),
            1..=3 => i64::try_from(self.below(6)).unwrap_or(0) - 1,
            _ => INTERESTING[self.below(INTERESTING.len())],
        }
    }

    pub(crate) fn float(&mut self) -> f32 {
        const INTERESTING: [f32; 14] = [
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            2.0,
            1e-45,
            f32::MAX,
            f32::MIN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::NAN,
            1e9,
            -3.7,
        ];
        INTERESTING[self.below(INTERESTING.len())]
    }
}
