//! How the generated enums know their values.

/// No value in a family.
pub(crate) const NONE: i32 = i32::MIN;

/// Gives an enum its names and its values in each family, from rows in the order of its variants.
macro_rules! enum_values {
    ($name:ident, $cpp:literal; $($variant:ident = $text:literal, $raw:expr;)+) => {
        impl $name {
            /// Every value that some family has.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            const ROWS: &'static [(&'static str, [i32; 4])] = &[$(($text, $raw)),+];

            /// NVIDIA's name of the value, without the enum's.
            pub const fn name(self) -> &'static str {
                Self::ROWS[self as usize].0
            }

            /// The number that the libraries of a family use; none when the family lacks the value.
            pub const fn to_raw(self, family: crate::Family) -> Option<i32> {
                match Self::ROWS[self as usize].1[family as usize] {
                    NONE => None,
                    raw => Some(raw),
                }
            }

            /// The value behind a number of a family; none for a number that this crate does not know.
            pub fn from_raw(family: crate::Family, raw: i32) -> Option<Self> {
                if raw == NONE {
                    return None;
                }
                let index = Self::ROWS.iter().position(|row| row.1[family as usize] == raw)?;
                Some(Self::ALL[index])
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!($cpp, "::"))?;
                f.write_str(self.name())
            }
        }
    };
}
pub(crate) use enum_values;

#[cfg(test)]
mod tests {
    use crate::{BuilderFlag, DataType, Family, LayerType, NetworkDefinitionCreationFlag};

    #[test]
    fn values_differ_between_families() {
        assert_eq!(BuilderFlag::Fp16.to_raw(Family::Trt10), Some(0));
        assert_eq!(BuilderFlag::Fp16.to_raw(Family::Trt11), None);
        let strongly_typed = NetworkDefinitionCreationFlag::StronglyTyped;
        assert_eq!(strongly_typed.to_raw(Family::Trt10), Some(1));
        assert_eq!(strongly_typed.to_raw(Family::Trt11), Some(0));
    }

    #[test]
    fn every_value_comes_back() {
        for family in Family::ALL {
            for &value in LayerType::ALL {
                if let Some(raw) = value.to_raw(family) {
                    assert_eq!(LayerType::from_raw(family, raw), Some(value));
                }
            }
        }
    }

    #[test]
    fn unknown_numbers_have_no_value() {
        for raw in [-1, 999, i32::MIN, i32::MAX] {
            assert_eq!(DataType::from_raw(Family::Trt11, raw), None);
        }
    }

    #[test]
    fn names_are_nvidias() {
        assert_eq!(DataType::Bf16.name(), "kBF16");
        assert_eq!(DataType::Bf16.to_string(), "nvinfer1::DataType::kBF16");
    }
}
