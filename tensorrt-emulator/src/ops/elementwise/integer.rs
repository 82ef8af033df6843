//! Integer arithmetic that never panics: overflow wraps around, and what has no value is 0.

use crate::tensor::Element;

/// The arithmetic of elementwise layers on one integer type.
pub(super) trait Integer: Element + Ord {
    /// x + y.
    fn plus(self, other: Self) -> Self;
    /// x − y.
    fn minus(self, other: Self) -> Self;
    /// x · y.
    fn times(self, other: Self) -> Self;
    /// x / y, rounded towards 0; division by 0 gives 0.
    fn divided(self, other: Self) -> Self;
    /// x / y, rounded down; division by 0 gives 0.
    fn floor_divided(self, other: Self) -> Self;
    /// x^y; for a negative y the fraction is cut off, and 0 to a negative power is 0.
    fn power(self, exponent: Self) -> Self;
}

macro_rules! integer {
    ($($t:ty),*) => { $(impl Integer for $t {
        #[inline(always)]
        fn plus(self, other: Self) -> Self { self.wrapping_add(other) }
        #[inline(always)]
        fn minus(self, other: Self) -> Self { self.wrapping_sub(other) }
        #[inline(always)]
        fn times(self, other: Self) -> Self { self.wrapping_mul(other) }
        #[inline(always)]
        fn divided(self, other: Self) -> Self {
            if other == 0 { 0 } else { self.wrapping_div(other) }
        }
        #[inline(always)]
        #[allow(unused_comparisons, reason = "the macro also makes the unsigned implementation")]
        fn floor_divided(self, other: Self) -> Self {
            if other == 0 {
                return 0;
            }
            let quotient = self.wrapping_div(other);
            let remainder = self.wrapping_rem(other);
            if remainder != 0 && (remainder < 0) != (other < 0) { quotient - 1 } else { quotient }
        }
        #[inline(always)]
        #[allow(unused_comparisons, reason = "the macro also makes the unsigned implementation")]
        fn power(self, exponent: Self) -> Self {
            if exponent < 0 {
                return match self {
                    1 => 1,
                    _ if self.wrapping_add(1) == 0 => if exponent % 2 == 0 { 1 } else { self },
                    _ => 0,
                };
            }
            let (mut base, mut exponent, mut product) = (self, exponent, 1);
            while exponent > 0 {
                if exponent % 2 == 1 {
                    product = <$t>::wrapping_mul(product, base);
                }
                base = base.wrapping_mul(base);
                exponent /= 2;
            }
            product
        }
    })* };
}
integer!(i8, u8, i32, i64);
