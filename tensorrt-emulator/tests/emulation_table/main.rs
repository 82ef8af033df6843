//! The tables of docs/emulation.md, made of what they speak of: the importer's converters, ONNX's operators, the results of the node tests,
//! and every kind of layer tried with every type.
//!
//! `cargo xtask emulation-table` writes them; without `TENSORRT_WRITE_TABLES`, a table that is not what it would be fails.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod layers;
mod operators;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use operators::NodeTests;

fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(N));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

/// The document with the part between two marks replaced.
fn replace(document: &str, name: &str, text: &str) -> String {
    let (begin, end) = (format!("<!-- {name}: generated -->\n"), format!("<!-- {name}: end -->"));
    let start = document.find(&begin).unwrap_or_else(|| panic!("the document has no mark {begin:?}")) + begin.len();
    let stop = start + document[start..].find(&end).unwrap_or_else(|| panic!("the document has no mark {end:?}"));
    format!("{}\n{text}\n{}", &document[..start], &document[stop..])
}

#[test]
fn the_tables_are_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let write = std::env::var_os("TENSORRT_WRITE_TABLES").is_some();
    let file = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    let results = file(&root.join("tests/onnx_node.tsv"));
    let about_path = root.join("tests/onnx_node_operators.tsv");
    let folder = std::env::var_os("TENSORRT_TEST_ONNX_NODE").map(PathBuf::from);
    let about = match folder.filter(|_| write) {
        Some(folder) => {
            let about = NodeTests::read(&folder, &results);
            std::fs::write(&about_path, about.text()).unwrap();
            about
        }
        None => NodeTests::parse(&file(&about_path)),
    };
    let operators = operators::rows(&file(&root.join("src/onnx/operators.tsv")), &results, &about);
    let taken = operators.iter().filter(|row| row[2] == "yes").count();
    let passing = results.lines().filter(|line| line.contains("\tpass")).count();
    let listed = results.lines().filter(|line| !line.starts_with('#') && line.contains('\t')).count();
    let mut text = format!(
        "{taken} of {} operators are imported; {passing} of the {listed} node tests pass.\n\n",
        operators.len()
    );
    let head = ["operator", "opsets", "imported", "strict", "node tests", "types in those that pass", "others"];
    text.push_str(&table(head, &operators));
    let path = root.join("../docs/emulation.md");
    let document = file(&path);
    let fresh = replace(&document, "operators", &text);
    let fresh = replace(&fresh, "layers", &table(["layer", "types", "agreement"], &layers::rows()));
    if write {
        std::fs::write(&path, &fresh).unwrap();
    }
    let stale = document.lines().zip(fresh.lines()).find(|(old, new)| old != new);
    assert!(
        write || document == fresh,
        "docs/emulation.md is stale; cargo xtask emulation-table writes it. First: {stale:?}"
    );
}
