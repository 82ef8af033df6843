//! Whose plan some bytes are, by how they begin.

/// Who built a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PlanKind {
    /// NVIDIA's TensorRT or TensorRT for RTX.
    TensorRt,
    /// The emulator.
    Emulator,
    /// Neither: it does not begin as their plans do.
    Unknown,
}

/// How the emulator's plans begin.
pub const EMULATOR_PLAN_MAGIC: [u8; 8] = *b"\x7fTRTEMU\n";

/// How NVIDIA's plans begin: TensorRT's, and TensorRT for RTX's (`vtrt`, seen of 1.4 and 1.7).
const NVIDIA_MAGICS: [[u8; 4]; 3] = [*b"ftrt", *b"ptrt", *b"vtrt"];

impl PlanKind {
    /// Who built the plan that begins with `bytes`; only the first eight are looked at.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        if bytes.starts_with(&EMULATOR_PLAN_MAGIC) {
            Self::Emulator
        } else if NVIDIA_MAGICS.iter().any(|magic| bytes.starts_with(magic)) {
            Self::TensorRt
        } else {
            Self::Unknown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_told_apart_by_their_first_bytes() {
        assert_eq!(PlanKind::of(b"vtrt\0\0\0\0"), PlanKind::TensorRt);
        assert_eq!(PlanKind::of(&EMULATOR_PLAN_MAGIC), PlanKind::Emulator);
        assert_eq!(PlanKind::of(b"vtr"), PlanKind::Unknown);
        assert_eq!(PlanKind::of(b""), PlanKind::Unknown);
    }
}
