//! The proof that the checks find errors: tables made wrong on purpose must fail. Without NVIDIA's headers there is nothing to
//! compare with, and these tests say so.

use super::headers::HeaderSet;
use super::{Room, library, standard_folder};
use crate::facts::{Facts, Family, Kind};
use std::path::{Path, PathBuf};

/// A family's headers, the tables, and a folder of one's own; none, with a message, where there are no headers.
struct Bench {
    facts: Facts,
    set: HeaderSet,
    room: Room,
    folder: PathBuf,
}

impl Bench {
    fn new(name: &str) -> Option<Self> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let Ok(headers) = standard_folder(workspace) else {
            println!("skipped: NVIDIA's headers are not here");
            return None;
        };
        let facts = Facts::load(&workspace.join("tensorrt-sys/facts")).unwrap();
        let set = HeaderSet::open(Family::RtxOld, &headers.join("TRT-RTX-1.4")).unwrap();
        let folder = std::env::temp_dir().join(format!("trtabi-{}-{name}", std::process::id()));
        let room = Room::at(workspace, &folder).unwrap();
        Some(Self { facts, set, room, folder })
    }

    fn swap(&mut self, class: &str, a: &str, b: &str) {
        let slots = self.facts.vtables.get_mut(&(Family::RtxOld, class.to_owned())).unwrap();
        let position = |method: &str| slots.iter().position(|slot| slot.method == method).unwrap();
        let (a, b) = (position(a), position(b));
        slots.swap(a, b);
    }

    fn failure(&self) -> String {
        self.room.check(&self.facts, &self.set).unwrap_err().to_string()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn two_slots_swapped_are_found() {
    let Some(mut bench) = Bench::new("slots") else { return };
    bench.swap("nvinfer1::apiv::VTensor", "isNetworkInput", "isNetworkOutput");
    let failure = bench.failure();
    assert!(failure.contains("nvinfer1::apiv::VTensor::isNetworkInput is in slot"), "{failure}");
    assert!(failure.contains("nvinfer1::apiv::VTensor::isNetworkOutput is in slot"), "{failure}");
}

#[test]
fn a_slot_too_few_is_found() {
    let Some(mut bench) = Bench::new("end") else { return };
    let key = (Family::RtxOld, "nvinfer1::apiv::VHostMemory".to_owned());
    bench.facts.vtables.get_mut(&key).unwrap().pop();
    assert!(bench.failure().contains("nvinfer1::apiv::VHostMemory::(the end) is in slot"), "{}", bench.failure());
}

#[test]
fn a_wrong_signature_is_found() {
    let Some(mut bench) = Bench::new("signature") else { return };
    let key = (Family::RtxOld, "nvinfer1::apiv::VBuilderConfig".to_owned());
    let slots = bench.facts.vtables.get_mut(&key).unwrap();
    let slot = slots.iter_mut().find(|slot| slot.method == "setMemoryPoolLimit").unwrap();
    slot.signature.as_mut().unwrap().args[1] = "int32_t".to_owned();
    let failure = bench.failure();
    assert!(
        failure.contains("does not compile") && failure.contains("(nvinfer1::MemoryPoolType, int32_t)"),
        "{failure}"
    );
}

#[test]
fn a_wrong_enum_value_is_found() {
    let Some(mut bench) = Bench::new("enum") else { return };
    let flags = bench.facts.enums.iter_mut().find(|item| item.table_name == "BuilderFlag").unwrap();
    let refit = flags.values.iter_mut().find(|value| value.name == "kREFIT").unwrap();
    refit.value[Family::RtxOld] = refit.value[Family::RtxOld].map(|raw| raw + 1);
    let failure = bench.failure();
    assert!(failure.contains("nvinfer1::BuilderFlag::kREFIT"), "{failure}");
}

#[test]
fn a_wrong_offset_and_a_wrong_release_are_found() {
    let Some(mut bench) = Bench::new("layout") else { return };
    let layer = bench.facts.classes.iter_mut().find(|class| class.name == "ILoopOutputLayer").unwrap();
    layer.implementation.as_mut().unwrap().offset = 16;
    assert!(bench.failure().contains("nvinfer1::ILoopOutputLayer"), "{}", bench.failure());
    let layer = bench.facts.classes.iter_mut().find(|class| class.name == "ILoopOutputLayer").unwrap();
    layer.implementation.as_mut().unwrap().offset = 24;
    let public = bench.facts.publics.iter_mut().find(|public| public.method == "createTimingCache").unwrap();
    public.since[Family::RtxOld] = None;
    assert!(bench.failure().contains("createTimingCache"), "{}", bench.failure());
}

#[test]
fn a_shim_made_from_swapped_slots_reaches_the_wrong_method() {
    let Some(mut bench) = Bench::new("shim") else { return };
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut shim = library::Shim::shipped(workspace, Family::RtxOld);
    bench.swap("nvinfer1::apiv::VTensor", "isNetworkInput", "isNetworkOutput");
    // The declarations of the shim follow the tables, and so does the slot that each of its entries calls.
    shim.source = bench.folder.join("rtx1_old.cpp");
    let text = crate::codegen::family_source(&bench.facts, Family::RtxOld);
    let text = text.replace("\"../", &format!("\"{}/", shim.folder.display()));
    std::fs::write(&shim.source, text).unwrap();
    // The stand-in is NVIDIA's header's, whatever the tables say; only what is called matters here.
    bench.facts.entries.retain(|entry| match &entry.kind {
        Kind::Method { class, .. } => class.ends_with("::ITensor"),
        _ => false,
    });
    let failure = library::run(&bench.room, &bench.facts, &bench.set, &shim, &bench.folder).unwrap_err().to_string();
    assert!(failure.contains("ITensor_isNetworkInput: reaches nvinfer1::apiv::VTensor::isNetworkOutput"), "{failure}");
}
