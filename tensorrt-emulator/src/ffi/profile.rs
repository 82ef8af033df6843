//! `IOptimizationProfile`: the shapes that an engine is built for.

use std::collections::BTreeMap;
use std::ffi::{c_char, c_void};
use std::sync::Mutex;

use tensorrt_sys::{Api, Family, OptProfileSelector};

use super::dims::{shape_from_c, to_c};
use super::entries::entries;
use super::object::{Object, lock};
use super::scope::Scope;
use super::text::read;
use super::value::Value;
use crate::plan;
use crate::tensor::Dims;
use crate::{Error, Result};

/// The object behind `IOptimizationProfile`; it belongs to its builder and dies with it.
#[derive(Debug)]
pub(super) struct ProfileObject {
    scope: Scope,
    state: Mutex<Profile>,
}

/// Smallest, optimal and largest of something, as far as set.
type Range<T> = [Option<T>; 3];

/// What a profile says.
#[derive(Debug, Clone, Default)]
pub(super) struct Profile {
    /// The dimensions per input.
    dims: BTreeMap<String, Range<Dims>>,
    /// The values per shape-tensor input.
    values: BTreeMap<String, Range<Vec<i64>>>,
    /// The same values as TensorRT 10's 32-bit getter returns them.
    narrow: BTreeMap<(String, usize), Vec<i32>>,
    extra_memory: f32,
    stream: usize,
}

impl Object for ProfileObject {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl ProfileObject {
    /// A new profile of a builder.
    pub(super) fn new(scope: Scope) -> Self {
        let state = Profile { extra_memory: 1.0, ..Profile::default() };
        Self { scope, state: Mutex::new(state) }
    }

    /// What the profile says now.
    pub(super) fn get(&self) -> Profile {
        lock(&self.state).clone()
    }

    fn set_values(&self, name: &str, selector: i32, values: Option<Vec<i64>>) -> Result<bool> {
        let slot = slot(self.scope.family, selector)?;
        let values = values.ok_or_else(|| Error::invalid("the shape values are null or too many"))?;
        lock(&self.state).values.entry(name.to_owned()).or_default()[slot] = Some(values);
        Ok(true)
    }
}

fn slot(family: Family, selector: i32) -> Result<usize> {
    Ok(match OptProfileSelector::read(family, selector)? {
        OptProfileSelector::Min => 0,
        OptProfileSelector::Opt => 1,
        _ => 2,
    })
}

impl Profile {
    /// The profile as plans keep it.
    ///
    /// # Errors
    /// One of min, opt and max is missing.
    pub(super) fn complete(&self) -> Result<plan::Profile> {
        let dims = self.dims.iter().map(|(name, range)| Ok((name.clone(), whole(name, range, "dimensions")?)));
        let values = self.values.iter().map(|(name, range)| Ok((name.clone(), whole(name, range, "values")?)));
        Ok(plan::Profile { dims: dims.collect::<Result<_>>()?, values: values.collect::<Result<_>>()? })
    }

    /// Whether what is set agrees: min ≤ opt ≤ max, all three of each.
    pub(super) fn is_valid(&self) -> bool {
        let ordered = |low: &[i64], high: &[i64]| low.len() == high.len() && low.iter().zip(high).all(|(a, b)| a <= b);
        let dims = self.dims.values().all(|range| match range {
            [Some(min), Some(opt), Some(max)] => ordered(min, opt) && ordered(opt, max) && min.is_static(),
            _ => false,
        });
        let values = self.values.values().all(|range| match range {
            [Some(min), Some(opt), Some(max)] => ordered(min, opt) && ordered(opt, max),
            _ => false,
        });
        dims && values
    }
}

/// All three of a range, or an error saying which is missing.
fn whole<T: Clone>(name: &str, range: &Range<T>, what: &str) -> Result<[T; 3]> {
    match range {
        [Some(min), Some(opt), Some(max)] => Ok([min.clone(), opt.clone(), max.clone()]),
        _ => {
            let missing = ["kMIN", "kOPT", "kMAX"].into_iter().zip(range).filter(|(_, value)| value.is_none());
            let missing: Vec<&str> = missing.map(|(selector, _)| selector).collect();
            Err(Error::config(format!("the profile has no {} {what} for \"{name}\"", missing.join(" and no "))))
        }
    }
}

/// Reads `count` numbers; `None` where the pointer is null or the count is absurd.
fn numbers<'a, T>(values: *const T, count: i32) -> Option<&'a [T]> {
    let len = usize::try_from(count).ok().filter(|&len| len <= 1 << 16 && !values.is_null())?;
    // SAFETY: the table's contract: the array has `count` numbers, readable during the call.
    Some(unsafe { std::slice::from_raw_parts(values, len) })
}

/// Fills the entries.
pub(super) fn fill(api: &mut Api) {
    entries! { api;
        IOptimizationProfile: ProfileObject {
        fn IOptimizationProfile_setDimensions(profile, name: *const c_char, selector: i32, dims: *const tensorrt_sys::Dims) -> bool {
            let (name, slot) = (read(name, "the input's name")?, slot(profile.scope.family, selector)?);
            let dims = shape_from_c(dims, "the dimensions")?;
            if !dims.is_static() {
                return Err(Error::invalid(format!("\"{name}\": a profile's dimensions are known, {dims} are not")));
            }
            lock(&profile.state).dims.entry(name).or_default()[slot] = Some(dims);
            Ok(true)
        }
        fn IOptimizationProfile_getDimensions(profile, name: *const c_char, selector: i32) -> tensorrt_sys::Dims {
            let (name, slot) = (read(name, "the input's name")?, slot(profile.scope.family, selector)?);
            let dims = lock(&profile.state).dims.get(&name).and_then(|range| range[slot]);
            Ok(dims.map_or(tensorrt_sys::Dims { nbDims: -1, d: [0; 8] }, |dims| to_c(&dims)))
        }
        fn IOptimizationProfile_setShapeValuesV2(profile, name: *const c_char, selector: i32, values: *const i64, count: i32) -> bool {
            let name = read(name, "the input's name")?;
            profile.set_values(&name, selector, numbers(values, count).map(<[i64]>::to_vec))
        }
        fn IOptimizationProfile_setShapeValues(profile, name: *const c_char, selector: i32, values: *const i32, count: i32) -> bool {
            let name = read(name, "the input's name")?;
            let wide = numbers(values, count).map(|values| values.iter().map(|&v| v.into()).collect());
            profile.set_values(&name, selector, wide)
        }
        fn IOptimizationProfile_getNbShapeValues(profile, name: *const c_char) -> i32 {
            let name = read(name, "the input's name")?;
            let state = lock(&profile.state);
            let len = state.values.get(&name).and_then(|range| range.iter().flatten().next()).map(Vec::len);
            Ok(len.and_then(|len| i32::try_from(len).ok()).unwrap_or(-1))
        }
        fn IOptimizationProfile_getShapeValuesV2(profile, name: *const c_char, selector: i32) -> *const i64 {
            let (name, slot) = (read(name, "the input's name")?, slot(profile.scope.family, selector)?);
            let state = lock(&profile.state);
            let values = state.values.get(&name).and_then(|range| range[slot].as_ref());
            Ok(values.map_or(std::ptr::null(), |values| values.as_ptr()))
        }
        fn IOptimizationProfile_getShapeValues(profile, name: *const c_char, selector: i32) -> *const i32 {
            let (name, slot) = (read(name, "the input's name")?, slot(profile.scope.family, selector)?);
            let mut state = lock(&profile.state);
            let Some(values) = state.values.get(&name).and_then(|range| range[slot].as_ref()) else {
                return Ok(std::ptr::null());
            };
            let narrow: Result<Vec<i32>, _> = values.iter().map(|&value| i32::try_from(value)).collect();
            let narrow = narrow.map_err(|_| Error::invalid(format!("the values of \"{name}\" exceed int32")))?;
            let kept = state.narrow.entry((name, slot)).or_default();
            *kept = narrow;
            Ok(kept.as_ptr())
        }
        fn IOptimizationProfile_setExtraMemoryTarget(profile, target: f32) -> bool {
            if !(0.0..=1.0).contains(&target) {
                return Err(Error::invalid(format!("an extra memory target of {target} is not between 0 and 1")));
            }
            lock(&profile.state).extra_memory = target;
            Ok(true)
        }
        fn IOptimizationProfile_getExtraMemoryTarget(profile) -> f32 { Ok(lock(&profile.state).extra_memory) }
        fn IOptimizationProfile_isValid(profile) -> bool { Ok(lock(&profile.state).is_valid()) }
        fn IOptimizationProfile_setProfileStream(profile, stream: *mut c_void) {
            lock(&profile.state).stream = stream.addr();
            Ok(())
        }
        fn IOptimizationProfile_getProfileStream(profile) -> *mut c_void {
            Ok(std::ptr::without_provenance_mut(lock(&profile.state).stream))
        }
        }
    }
}
