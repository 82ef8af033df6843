//! The emulator's strict setting beside NVIDIA's own parser and builder (TensorRT for RTX 1.7.1, no GPU), both through the safe crate.
//!
//! Both are asked about each of ONNX's node tests (`TENSORRT_TEST_ONNX_NODE`): does the model parse, and is it built for SM89?
//! `differences.tsv` lists where the two differ, and why; what is listed and agrees fails. Where both parse a model, and for the models
//! with reference outputs (`TENSORRT_TEST_ORACLE`), the networks have the same inputs and outputs but for those in `graph_facts.tsv`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cases;
mod child;
mod facts;
#[path = "../common/oracle.rs"]
#[allow(dead_code, reason = "each test uses its part")]
mod oracle;
#[path = "../common/profile.rs"]
mod profile;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use cases::Case;
use child::{Answer, Asked};
use facts::Facts;
use oracle::Oracle;

/// The folders of the node tests and of NVIDIA's library.
fn node_folder() -> Option<PathBuf> {
    for variable in ["TENSORRT_TEST_RTX17", "TENSORRT_TEST_ONNX_NODE"] {
        if std::env::var_os(variable).is_none() {
            println!("skipped: {variable} is not set");
            return None;
        }
    }
    std::env::var_os("TENSORRT_TEST_ONNX_NODE").map(PathBuf::from)
}

/// How much has to agree, in percent.
const AGREEMENT: usize = 99;

/// Builds that NVIDIA's library hangs in now and then.
const LEFT_OUT: [&str; 2] = ["test_gru_batchwise", "test_gru_reverse"];

/// Every node test.
fn node_cases(folder: &Path) -> Vec<Case> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let tests = entries.filter(|path| path.join("model.onnx").exists());
    let names = tests.map(|path| path.file_name().unwrap().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| !LEFT_OUT.contains(&name.as_str())).collect();
    names.sort();
    names.iter().map(|name| Case::node(folder, name)).collect()
}

/// A list of names with reasons, one a line.
fn listed(list: &'static str) -> BTreeMap<&'static str, &'static str> {
    list.lines().filter(|line| !line.starts_with('#')).map(|line| line.split_once('\t').unwrap()).collect()
}

/// NVIDIA's answers and the emulator's.
type Both = (BTreeMap<String, Answer>, BTreeMap<String, Answer>);

fn both(cases: &[Case]) -> Both {
    (Asked::Nvidia.about(cases), Asked::Emulator.about(cases))
}

/// Where networks that both parsers made have other inputs or outputs, names, types, shapes, names of dimensions or shape tensors.
fn compare_networks(cases: &[Case], (theirs, ours): &Both, wrong: &mut String) {
    let known = listed(include_str!("graph_facts.tsv"));
    let mut compared = 0;
    for case in cases {
        let name = case.name();
        let (Answer::Facts(theirs), Answer::Facts(ours)) = (&theirs[&name], &ours[&name]) else { continue };
        if theirs.refused.is_some() || ours.refused.is_some() {
            continue;
        }
        compared += 1;
        let same = theirs.inputs == ours.inputs && theirs.outputs == ours.outputs;
        match (same, known.get(name.as_str())) {
            (true, Some(reason)) => _ = writeln!(wrong, "{name}: the network agrees, but is listed with: {reason}"),
            (false, None) => {
                let io = |facts: &Facts| format!("{:?}\n    {:?}", facts.inputs, facts.outputs);
                _ = writeln!(wrong, "{name}:\n  NVIDIA {}\n  emulator {}", io(theirs), io(ours));
            }
            _ => {}
        }
    }
    println!("compared the inputs and outputs of {compared} networks");
}

/// Models of whole networks, but for those of full size, which take minutes to build.
#[test]
fn networks_of_models_have_nvidias_inputs_and_outputs() {
    let (Some(_), Some(oracle)) = (node_folder(), std::env::var_os("TENSORRT_TEST_ORACLE")) else { return };
    let manifest = Oracle::open(&oracle);
    let small = manifest.models().map(|model| model.name()).filter(|name| !name.ends_with("_real"));
    let case = |name: &str| Case::Model { oracle: PathBuf::from(&oracle), name: name.to_owned() };
    let cases: Vec<Case> = small.map(case).collect();
    let answers = both(&cases);
    let known = listed(include_str!("differences.tsv"));
    let mut wrong = String::new();
    compare_networks(&cases, &answers, &mut wrong);
    for name in cases.iter().map(Case::name) {
        let (theirs, ours) = (&answers.0[&name], &answers.1[&name]);
        let same = theirs.pair().is_some() && theirs.pair() == ours.pair();
        if same == known.contains_key(name.as_str()) {
            _ = writeln!(wrong, "{name}: agrees: {same}\n  NVIDIA {theirs:?}\n  emulator {ours:?}");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn parses_and_builds_what_nvidia_does() {
    let Some(folder) = node_folder() else { return };
    let cases = node_cases(&folder);
    let (theirs, ours) = both(&cases);
    let known = listed(include_str!("differences.tsv"));
    let mut wrong = String::new();
    let mut agreed = 0;
    for case in &cases {
        let name = case.name();
        let (theirs, ours) = (&theirs[&name], &ours[&name]);
        let same = theirs.pair().is_some() && theirs.pair() == ours.pair();
        agreed += usize::from(same);
        match (same, known.get(name.as_str())) {
            (true, Some(reason)) => _ = writeln!(wrong, "{name}: agrees, but is listed with: {reason}"),
            (false, None) => _ = writeln!(wrong, "{name}:\n  NVIDIA {theirs:?}\n  emulator {ours:?}"),
            _ => {}
        }
    }
    compare_networks(&cases, &(theirs, ours), &mut wrong);
    println!("the emulator and NVIDIA's library agree on {agreed} of {} models", cases.len());
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(agreed * 100 >= cases.len() * AGREEMENT, "that is less than {AGREEMENT} %");
}
