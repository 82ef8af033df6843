//! Where the emulator answers otherwise than NVIDIA's library, and why.

use crate::outcome::Outcome;

/// A known difference: which cases have it, and its reason. One that no case has fails the test.
pub(crate) struct Difference {
    pub(crate) kinds: &'static [&'static str],
    /// Whether the answers of NVIDIA's library and of the emulator differ in this way.
    pub(crate) is: fn(&Outcome, &Outcome) -> bool,
    pub(crate) reason: &'static str,
}

fn stricter(theirs: &Outcome, ours: &Outcome) -> bool {
    theirs.accepted() && !ours.accepted()
}

pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference {
        kinds: &["cast"],
        is: |theirs, ours| stricter(theirs, ours) && ours.text.to_uppercase().contains("E8M0"),
        reason: "the emulator has no arithmetic on e8m0 but as scales",
    },
    Difference {
        kinds: &["activation", "lrn", "normalization"],
        is: |theirs, ours| stricter(theirs, ours) && ours.reason.contains("has type"),
        reason: "NVIDIA builds some layers of types that the header does not allow; no kernel defines what they compute",
    },
    Difference {
        kinds: &["convolution"],
        is: |theirs, ours| stricter(theirs, ours) && ours.text.contains("maps=0"),
        reason: "a convolution of no maps computes nothing",
    },
    Difference {
        kinds: &["pooling", "deconvolution"],
        is: |theirs, ours| stricter(theirs, ours) && ours.reason.contains("spatial dimensions does not apply"),
        reason: "NVIDIA takes more dimensions before the spatial ones than the batch and the channels",
    },
    Difference {
        kinds: &["dequantize", "quantize"],
        is: |theirs, ours| stricter(theirs, ours) && ours.reason.contains("blocks of scales"),
        reason: "blocks whose number is unknown, or of tensors without elements, have no scale to multiply by",
    },
    Difference {
        kinds: &["non_zero"],
        is: |theirs, ours| theirs.accepted() && ours.accepted() && ours.text.contains("const:"),
        reason: "the emulator knows the number of non-zeros of a constant, so that shapes can be computed with it",
    },
];
