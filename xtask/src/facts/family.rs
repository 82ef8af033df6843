//! The four ABI families: releases that share their vtables and enum values.

use std::ops::{Index, IndexMut};

/// An ABI family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    /// TensorRT 10.x.
    Trt10,
    /// TensorRT 11.x.
    Trt11,
    /// TensorRT for RTX 1.3 and 1.4.
    RtxOld,
    /// TensorRT for RTX 1.5 and later 1.x.
    RtxNew,
}

impl Family {
    /// Every family, in the order of the generated columns.
    pub(crate) const ALL: [Self; 4] = [Self::Trt10, Self::Trt11, Self::RtxOld, Self::RtxNew];

    /// The name in the tables, and of the generated source.
    pub(crate) fn id(self) -> &'static str {
        ["trt10", "trt11", "rtx1_old", "rtx1_new"][self as usize]
    }

    /// The family of a name in the tables.
    pub(crate) fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.id() == id)
    }

    /// The product and releases, for people.
    pub(crate) fn title(self) -> &'static str {
        ["TensorRT 10", "TensorRT 11", "TensorRT for RTX 1.3-1.4", "TensorRT for RTX 1.5 and later"][self as usize]
    }

    /// The major version of every release of the family.
    pub(crate) fn major(self) -> u32 {
        [10, 11, 1, 1][self as usize]
    }

    /// The column of `since.tsv`.
    pub(crate) fn since_column(self) -> &'static str {
        ["since_10", "since_11", "since_rtx_old", "since_rtx_new"][self as usize]
    }

    /// The columns of the first and the last release in `enum_values.tsv`.
    pub(crate) fn release_columns(self) -> [&'static str; 2] {
        [["trt10.0.0", "trt10.16"], ["trt11.0", "trt11.4"], ["rtx1.3", "rtx1.4"], ["rtx1.5", "rtx1.7"]][self as usize]
    }
}

/// One value for each family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PerFamily<T>(pub(crate) [T; 4]);

impl<T> PerFamily<T> {
    /// A value made for each family.
    pub(crate) fn try_from_fn(mut f: impl FnMut(Family) -> crate::Result<T>) -> crate::Result<Self> {
        let [a, b, c, d] = Family::ALL;
        Ok(Self([f(a)?, f(b)?, f(c)?, f(d)?]))
    }
}

impl<T> Index<Family> for PerFamily<T> {
    type Output = T;

    fn index(&self, family: Family) -> &T {
        &self.0[family as usize]
    }
}

impl<T> IndexMut<Family> for PerFamily<T> {
    fn index_mut(&mut self, family: Family) -> &mut T {
        &mut self.0[family as usize]
    }
}
