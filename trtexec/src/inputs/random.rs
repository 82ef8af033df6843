//! Contents for inputs of which nothing is given: the same in every run.

use half::{bf16, f16};
use tensorrt::DataType;

/// A generator of numbers (SplitMix64).
#[derive(Debug)]
struct Generator(u64);

impl Generator {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    /// 0 or 1: valid as an index, a mask or a length of whatever model.
    fn bit(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// From -1 to 1.
    fn float(&mut self) -> f32 {
        let [high, low, ..] = self.next().to_be_bytes();
        f32::from(i16::from_be_bytes([high, low])) / 32768.0
    }
}

/// Fills a tensor's bytes; `seed` is the place of the input in the engine.
///
/// Floats are from -1 to 1, 8-bit integers any, wider integers and booleans 0 or 1. Elements of 4 bits and 8-bit floats are 0.
pub(crate) fn fill(data_type: DataType, bytes: &mut [u8], seed: u64) {
    fn each<const N: usize>(bytes: &mut [u8], mut value: impl FnMut() -> [u8; N]) {
        bytes.as_chunks_mut::<N>().0.iter_mut().for_each(|element| *element = value());
    }
    let mut generator = Generator(seed);
    match data_type {
        DataType::Float => each(bytes, || generator.float().to_ne_bytes()),
        DataType::Half => each(bytes, || f16::from_f32(generator.float()).to_ne_bytes()),
        DataType::Bf16 => each(bytes, || bf16::from_f32(generator.float()).to_ne_bytes()),
        DataType::Int8 | DataType::Uint8 => each(bytes, || [generator.byte()]),
        DataType::Int32 => each(bytes, || i32::from(generator.bit()).to_ne_bytes()),
        DataType::Int64 => each(bytes, || i64::from(generator.bit()).to_ne_bytes()),
        DataType::Bool => each(bytes, || [u8::from(generator.bit())]),
        _ => bytes.fill(0),
    }
}

#[cfg(test)]
mod tests {
    use super::fill;
    use crate::values::Values;
    use tensorrt::DataType;

    #[test]
    fn values_are_valid_and_repeat() {
        let make = |data_type, seed| {
            let mut bytes = vec![0; 4096];
            fill(data_type, &mut bytes, seed);
            Values::read(data_type, &bytes)
        };
        assert_eq!(make(DataType::Float, 1), make(DataType::Float, 1));
        assert_ne!(make(DataType::Float, 1), make(DataType::Float, 2));
        let Values::Float(floats) = make(DataType::Half, 3) else { panic!("floats") };
        assert!(floats.iter().all(|value| (-1.0..=1.0).contains(value)));
        assert!(floats.iter().any(|value| *value > 0.5) && floats.iter().any(|value| *value < -0.5));
        for data_type in [DataType::Int32, DataType::Int64] {
            let Values::Integer(integers) = make(data_type, 4) else { panic!("integers") };
            assert!(integers.iter().all(|value| (0..=1).contains(value)));
            assert!(integers.contains(&0) && integers.contains(&1));
        }
    }
}
