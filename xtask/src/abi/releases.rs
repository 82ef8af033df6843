//! What a release inside a family has of the family's tables, which are those of its last release.

use super::headers::HeaderSet;
use crate::facts::{Class, Entry, Facts, Family, Kind, Public, c_class};

/// The slots of a class that a release has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// How many, destructors counted once.
    pub(super) slots: usize,
    /// Whether the class ends there; otherwise the release has others behind them, which the tables do not know.
    pub(super) ends: bool,
}

/// The releases that have each slot and each class of a family.
#[derive(Debug, Clone, Copy)]
pub(super) struct Releases<'f> {
    facts: &'f Facts,
    family: Family,
    minor: u8,
}

impl<'f> Releases<'f> {
    /// Of a header set.
    pub(super) fn new(facts: &'f Facts, headers: &HeaderSet) -> Self {
        Self { facts, family: headers.family, minor: headers.minor }
    }

    /// How far the table of a class goes in this release.
    pub(super) fn extent(&self, class: &str) -> Extent {
        let slots = self.facts.slots(self.family, class).unwrap_or_default();
        let mut extent = Extent { slots: slots.len(), ends: true };
        for index in (0..slots.len()).rev() {
            let entry = self.entry(class, index);
            if entry.is_some_and(|entry| entry.refused_minor == Some(self.minor)) {
                extent = Extent { slots: index, ends: false };
            } else if !extent.ends && extent.slots == index + 1 && entry.is_none() {
                // No entry calls the slot before the first refused one: nothing says which of them it is.
                extent.slots = index;
            } else if extent.ends && self.since(class, index).is_some_and(|since| since > self.minor) {
                extent.slots = index;
            }
        }
        extent
    }

    /// The entry that calls a slot.
    fn entry(&self, class: &str, index: usize) -> Option<&'f Entry> {
        self.facts.entries.iter().find(|entry| match &entry.kind {
            Kind::Method { calls, .. } => calls[self.family]
                .as_ref()
                .is_some_and(|call| call.vtable == class && usize::try_from(call.slot).is_ok_and(|slot| slot == index)),
            _ => false,
        })
    }

    /// The release that brought a slot, where a table says so.
    fn since(&self, class: &str, index: usize) -> Option<u8> {
        if let Some(entry) = self.entry(class, index) {
            return entry.since[self.family];
        }
        let slot = self.facts.slots(self.family, class).and_then(|slots| slots.get(index));
        let outer = self.outer(class);
        let publics = self.facts.publics.iter().filter(|public| public.class == outer);
        let named = publics.filter(|public| slot.is_some_and(|slot| slot.method == public.method));
        named.filter_map(|public| public.since[self.family]).min()
    }

    /// The public class behind which a class is: `IBuilder` of `nvinfer1::apiv::VBuilder`.
    fn outer(&self, class: &str) -> String {
        let owner = |outer: &&Class| outer.implementation.as_ref().is_some_and(|behind| behind.cpp == class);
        match self.facts.classes.iter().find(owner) {
            Some(outer) => outer.name.clone(),
            None => c_class(class).strip_prefix('V').map_or(c_class(class).to_owned(), |rest| format!("I{rest}")),
        }
    }

    /// Whether this release has a class, where the public methods tell.
    pub(super) fn has_class(&self, class: &str) -> Option<bool> {
        let outer = self.outer(class);
        let publics = self.facts.publics.iter().filter(|public| public.class == outer);
        let first = publics.filter_map(|public| public.since[self.family]).min()?;
        Some(first <= self.minor)
    }

    /// Whether this release has a public method.
    pub(super) fn has(&self, public: &Public) -> bool {
        public.since[self.family].is_some_and(|since| since <= self.minor)
    }

    /// Whether this is the family's last or first release of `enum_values.tsv`.
    pub(super) fn is_column(&self, last: bool) -> bool {
        let column = self.family.release_columns()[usize::from(last)];
        column.split('.').nth(1).and_then(|minor| minor.parse::<u8>().ok()) == Some(self.minor)
    }
}
