use tensorrt_sys::{ActivationType, DataType, ElementWiseOperation, Family, Version};

use super::format::{ALIGNMENT, HEADER, Section, checksum, decode, encode};
use super::{Identity, Plan};
use crate::build::{BuildConfig, Quiet, build};
use crate::graph::LayerKind;
use crate::memory::Storage;
use crate::network::Network;
use crate::run::{Engine, EngineOptions};
use crate::tensor::{Dims, Tensor};

fn identity() -> Identity {
    Identity::new(Family::Trt11, Version::new(11, 4, 0))
}

/// relu(x + [1, 2, 3]).
fn plan() -> Plan {
    let mut network = Network::new();
    let dims = Dims::new(&[1, 3]).unwrap();
    let x = network.add_input("x", DataType::Float, dims).unwrap();
    let bias = network.add_constant("bias", &Tensor::from_slice(dims, &[1.0f32, 2.0, 3.0]).unwrap()).unwrap();
    let sum = LayerKind::ElementWise { op: ElementWiseOperation::Sum };
    let sum = network.add_one(sum, vec![Some(x), Some(bias)]).unwrap();
    let relu = LayerKind::Activation { op: ActivationType::Relu, alpha: 0.0, beta: 0.0 };
    let y = network.add_one(relu, vec![Some(sum)]).unwrap();
    network.mark_output(y);
    build(&network, &BuildConfig::new(identity()), &mut Quiet).unwrap()
}

fn answer(plan: Plan) -> Vec<u8> {
    let engine = Engine::from_plan(plan, EngineOptions::default()).unwrap();
    let input = Storage::copy_of(bytemuck::cast_slice(&[-5.0f32, 0.5, 1.0]));
    engine.create_context(None).unwrap().run_dynamic(&[&input]).unwrap()[0].storage().to_vec()
}

#[test]
fn a_plan_survives_bytes_and_a_file() {
    let plan = plan();
    let expected = answer(plan.clone());
    assert_eq!(bytemuck::cast_slice::<u8, f32>(&Storage::copy_of(&expected)), [0.0, 2.5, 4.0]);
    let bytes = plan.to_bytes().unwrap();
    assert_eq!(plan.byte_len().unwrap(), bytes.len() as u64);
    let read = Plan::from_bytes(&bytes).unwrap();
    assert_eq!((&read.identity, &read.profiles, &read.settings), (&plan.identity, &plan.profiles, &plan.settings));
    assert_eq!(answer(read), expected);
    let file = std::env::temp_dir().join(format!("tensorrt-emulator-plan-{}", std::process::id()));
    std::fs::write(&file, &bytes).unwrap();
    let mapped = Plan::from_file(&file).unwrap();
    let weights = &mapped.graph.weights[0].storage;
    assert!(format!("{weights:?}").contains("mapped"), "{weights:?}");
    assert_eq!(weights.as_ptr().align_offset(ALIGNMENT), 0);
    assert_eq!(answer(mapped), expected);
    std::fs::write(&file, &bytes[..20]).unwrap();
    assert!(Plan::from_file(&file).unwrap_err().message().contains("incomplete"));
    std::fs::remove_file(&file).unwrap();
    assert!(Plan::from_file(&file).is_err());
}

#[test]
fn truncation_anywhere_is_an_error() {
    let bytes = plan().to_bytes().unwrap();
    for len in 0..bytes.len() {
        assert!(Plan::from_bytes(&bytes[..len]).is_err(), "{len} of {} bytes", bytes.len());
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(Plan::from_bytes(&longer).is_err());
}

#[test]
fn a_changed_byte_anywhere_is_an_error() {
    let bytes = plan().to_bytes().unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x81;
        assert!(Plan::from_bytes(&changed).is_err(), "byte {at} of {}", bytes.len());
    }
}

/// Changes bytes of the facts and of the graph and makes the checksums right again: what is read then is refused or runs, but nothing panics
/// and nothing is allocated out of proportion.
#[test]
fn damage_under_a_right_checksum_does_not_panic() {
    let bytes = plan().to_bytes().unwrap();
    let sections = decode(&bytes).unwrap();
    let range = |section: &Section| {
        let start = usize::try_from(section.offset).unwrap();
        start..start + usize::try_from(section.len).unwrap()
    };
    for which in 0..2 {
        for at in range(&sections[which]) {
            for value in [0x00, 0x01, 0x0f, 0x7f, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] = value;
                let mut sections = sections;
                sections[which].checksum = checksum(&[&changed[range(&sections[which])]]);
                let header = encode(&sections, bytes.len() as u64);
                changed[..HEADER].copy_from_slice(&header);
                let Ok(plan) = Plan::from_bytes(&changed) else { continue };
                let Ok(engine) = Engine::from_plan(plan, EngineOptions::default()) else { continue };
                let _ = engine.create_context(None);
            }
        }
    }
}

#[test]
fn other_files_are_named() {
    for (bytes, expected) in [
        (&b""[..], "too few"),
        (b"ftrt\0\0\0\0 and more", "NVIDIA's TensorRT"),
        (b"ptrt\0\0\0\0 and more", "NVIDIA's TensorRT"),
        (b"\x08\x09\x12\x07pytorch and more", "not a plan"),
    ] {
        let error = Plan::from_bytes(bytes).unwrap_err();
        assert!(error.message().contains(expected), "{error}");
    }
    let mut newer = plan().to_bytes().unwrap();
    newer[8] = 99;
    assert!(Plan::from_bytes(&newer).unwrap_err().message().contains("format 99"));
}

#[test]
fn a_plan_belongs_to_one_version() {
    let ours = identity();
    ours.check(&identity()).unwrap();
    let other = Identity::new(Family::Trt10, Version::new(10, 16, 1));
    let error = ours.check(&other).unwrap_err();
    assert!(error.message().contains("11.4.0") && error.message().contains("10.16.1"), "{error}");
}
