//! Every public method of networks, layers and tensors has a wrapper, or a reason for having none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const METHODS: &str = include_str!("../../../tensorrt-sys/facts/methods.tsv");
const UNWRAPPED: &str = include_str!("unwrapped.tsv");

/// The classes of the network interface.
fn is_of_networks(class: &str) -> bool {
    matches!(class, "INetworkDefinition" | "ITensor" | "IAttention" | "ILoop" | "IIfConditional")
        || class.ends_with("Layer")
}

/// The names of NVIDIA's that the documentation of the crate can be searched for.
fn aliases(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            aliases(&path, found);
        } else {
            let text = std::fs::read_to_string(&path).unwrap();
            found.extend(text.split('"').filter_map(|part| part.strip_prefix("nvinfer1::")).map(str::to_owned));
        }
    }
}

fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().skip(1).map(|line| line.split('\t').collect())
}

#[test]
fn every_method_of_networks_is_wrapped_or_has_a_reason() {
    let mut found = BTreeSet::new();
    aliases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    let excused: BTreeMap<(&str, &str), &str> = rows(UNWRAPPED).map(|row| ((row[0], row[1]), row[2])).collect();
    let methods: BTreeSet<(&str, &str)> =
        rows(METHODS).map(|row| (row[0], row[1])).filter(|(class, _)| is_of_networks(class)).collect();
    assert!(methods.len() > 400, "{}", methods.len());
    let (mut missing, mut needless) = (Vec::new(), Vec::new());
    for &(class, method) in &methods {
        let wrapped = found.contains(&format!("{class}::{method}"));
        match excused.get(&(class, method)) {
            None if !wrapped => missing.push(format!("{class}::{method}")),
            Some(_) if wrapped => needless.push(format!("{class}::{method}")),
            _ => {}
        }
    }
    assert!(missing.is_empty(), "no wrapper and no reason: {missing:?}");
    assert!(needless.is_empty(), "a wrapper, and a reason for having none: {needless:?}");
    assert!(excused.iter().all(|(key, reason)| methods.contains(key) && !reason.is_empty()), "{excused:?}");
}
