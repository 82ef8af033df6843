//! The part of a checker that compares enums.

use super::headers::HeaderSet;
use super::releases::Releases;
use crate::facts::{Enum, Facts};
use std::fmt::Write as _;

/// Asserts the values of the enumerators that the release must have, and returns how many; the others' values are compared
/// where the headers have them.
pub(super) fn check(out: &mut String, facts: &Facts, headers: &HeaderSet, runs: &mut Vec<String>) -> u32 {
    let mut asserted = 0;
    for (index, item) in facts.enums.iter().enumerate() {
        let there = headers.mentions(item.cpp_short()) && headers.covers(&item.cpp());
        if there && item.values.iter().any(|value| value.value[headers.family].is_some()) {
            asserted += one(out, facts, headers, item, index);
            runs.push(format!("trtabi_enum_{index}();"));
        }
    }
    asserted
}

fn one(out: &mut String, facts: &Facts, headers: &HeaderSet, item: &Enum, index: usize) -> u32 {
    let releases = Releases::new(facts, headers);
    let (first, last) = (releases.is_column(false), releases.is_column(true));
    let (cpp, family) = (item.cpp(), headers.family);
    let underlying = facts.types.underlying(item.cpp_short());
    let _ = writeln!(
        out,
        "\nstatic_assert(std::is_same<std::underlying_type<{cpp}>::type, {underlying}>::value, \"{cpp}\");"
    );
    let mut asserted = 0;
    let mut run = String::new();
    for (position, value) in item.values.iter().enumerate() {
        let name = &value.name;
        let Some(raw) = value.value[family] else {
            detect(out, index, position, name);
            // A name that the family's tables lack must be absent: no value is right.
            let _ = writeln!(
                run,
                "    trtabi::enumerator(decltype(value_{index}_{position}<{cpp}>(0))::value, LLONG_MAX, \"{cpp}::{name}\");"
            );
            continue;
        };
        let (from_the_start, to_the_end) = (value.from_the_start[family], value.to_the_end[family]);
        let must = if last {
            to_the_end
        } else if first {
            from_the_start
        } else {
            from_the_start && to_the_end
        };
        if must {
            let _ = writeln!(out, "static_assert(static_cast<long long>({cpp}::{name}) == {raw}, \"{cpp}::{name}\");");
            asserted += 1;
        } else {
            detect(out, index, position, name);
            let wanted = if first || last { "LLONG_MAX".to_owned() } else { raw.to_string() };
            let _ = writeln!(
                run,
                "    trtabi::enumerator(decltype(value_{index}_{position}<{cpp}>(0))::value, {wanted}, \"{cpp}::{name}\");"
            );
        }
    }
    if last && cpp.starts_with("nvinfer1::") {
        bound(out, &mut run, item, index, headers);
    }
    let _ = writeln!(out, "static void trtabi_enum_{index}()\n{{\n{run}}}");
    asserted
}

/// A template that finds an enumerator, or that there is none.
fn detect(out: &mut String, index: usize, position: usize, name: &str) {
    let _ = writeln!(
        out,
        "template <typename T> auto value_{index}_{position}(int) \
         -> std::integral_constant<long long, static_cast<long long>(T::{name})>;\n\
         template <typename T> trtabi::Absent value_{index}_{position}(...);"
    );
}

/// The headers bound most enums: behind the table's last value there is none.
fn bound(out: &mut String, run: &mut String, item: &Enum, index: usize, headers: &HeaderSet) {
    let cpp = item.cpp();
    let values: Vec<i32> = item
        .values
        .iter()
        .filter(|value| value.to_the_end[headers.family])
        .filter_map(|value| value.value[headers.family])
        .collect();
    let Some(most) = values.iter().max() else { return };
    let _ = writeln!(
        out,
        "template <typename T> auto bound_{index}(int) \
         -> std::integral_constant<long long, static_cast<long long>(nvinfer1::impl::EnumMaxImpl<T>::kVALUE)>;\n\
         template <typename T> trtabi::Absent bound_{index}(...);"
    );
    let _ = writeln!(run, "    trtabi::bound(decltype(bound_{index}<{cpp}>(0))::value, {}, \"{cpp}\");", most + 1);
}
