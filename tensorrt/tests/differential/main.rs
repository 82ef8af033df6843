//! Random layers: the emulator infers what NVIDIA's own library infers, and refuses what it refuses.
//!
//! Each case is drawn from a seed, and both libraries get the same one through the safe interface. NVIDIA's library works in a child
//! process, for it may crash. Skipped where `TENSORRT_TEST_RTX17` does not name the library's folder.
//!
//! `TENSORRT_TEST_LAYERS=shuffle:7` replays seed 7 of shuffles, `shuffle:0:1000` a thousand; `TENSORRT_TEST_LONG` runs many more.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod draft;
mod layers;
mod outcome;
mod random;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use tensorrt::{Builder, Library, LoadOptions};

use crate::layers::{Generator, LAYERS};
use crate::outcome::Outcome;

/// What a child process is told: kind, first seed, count.
const CHILD: &str = "TENSORRT_TEST_LAYERS_CHILD";
/// How many cases a kind has in a normal run.
const CASES: u64 = 300;

fn generator(kind: &str) -> Generator {
    LAYERS.iter().find(|(name, _)| *name == kind).unwrap_or_else(|| panic!("no kind {kind}")).1
}

fn range(text: &str) -> (String, u64, u64) {
    let mut parts = text.split(':');
    let kind = parts.next().unwrap().to_owned();
    let first = parts.next().map_or(0, |part| part.parse().unwrap());
    (kind, first, parts.next().map_or(1, |part| part.parse().unwrap()))
}

/// Does nothing but in a child process: answers for NVIDIA's library.
#[test]
fn child() {
    let Ok(asked) = std::env::var(CHILD) else { return };
    let mut words = asked.split(' ');
    let (what, kind) = (words.next().unwrap(), words.next().unwrap());
    let folder = std::env::var_os("TENSORRT_TEST_RTX17").unwrap();
    let library = Library::find(LoadOptions::new().path(folder)).unwrap();
    let builder = Builder::new(&library).unwrap();
    for seed in words.map(|word| word.parse().unwrap()) {
        let answer = match what {
            "infer" => outcome::run(&builder, generator(kind), seed).line(),
            _ => outcome::refusal(&builder, generator(kind), seed),
        };
        println!("case {seed}\t{answer}");
        std::io::stdout().flush().unwrap();
    }
}

/// What NVIDIA's library answers for seeds, as the child prints it; `None` where it crashed.
fn ask(what: &str, kind: &str, seeds: &[u64]) -> Vec<Option<String>> {
    let mut all = Vec::new();
    while all.len() < seeds.len() {
        let words: Vec<String> = seeds[all.len()..].iter().map(u64::to_string).collect();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture", "--test-threads=1"])
            .env(CHILD, format!("{what} {kind} {}", words.join(" ")))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let Some(line) = line.find("case ").map(|at| &line[at..]) else { continue };
            all.extend(line.split_once('\t').map(|(_, rest)| Some(rest.to_owned())));
        }
        if !child.wait().unwrap().success() && all.len() < seeds.len() {
            all.push(None);
        }
    }
    all
}

#[test]
fn layers_are_inferred_as_by_nvidia() {
    if std::env::var_os("TENSORRT_TEST_RTX17").is_none() {
        println!("skipped: TENSORRT_TEST_RTX17 is not set");
        return;
    }
    let count = if std::env::var_os("TENSORRT_TEST_LONG").is_some() { CASES * 20 } else { CASES };
    let replay = std::env::var("TENSORRT_TEST_LAYERS").ok();
    let asked: Vec<_> = match &replay {
        Some(replay) => replay.split(',').map(range).collect(),
        None => LAYERS.iter().map(|(kind, _)| ((*kind).to_owned(), 0, count)).collect(),
    };
    let library = tensorrt_emulator::library_as(tensorrt::Family::RtxNew, tensorrt::Version::new(1, 7, 1)).unwrap();
    let builder = Builder::new(&library).unwrap();
    let mut differing = 0;
    for (kind, first, count) in asked {
        let seeds: Vec<u64> = (first..first + count).collect();
        let (mut agreed, mut accepted, mut place, mut crashed) = (0, 0, 0, 0);
        let mut stricter = Vec::new();
        let mut different = Vec::new();
        for (&seed, real) in seeds.iter().zip(ask("infer", &kind, &seeds)) {
            let ours = outcome::run(&builder, generator(&kind), seed);
            let Some(real) = real else {
                crashed += 1;
                continue;
            };
            let real = Outcome::of_line(&real).unwrap();
            accepted += u64::from(real.accepted());
            place += u64::from(ours.answer != real.answer && ours.agrees(&real));
            match ours.agrees(&real) {
                true => agreed += 1,
                false if ours.accepted() => different.push((seed, real, ours)),
                false => stricter.push((seed, real, ours)),
            }
        }
        // What the emulator refuses and NVIDIA infers, NVIDIA must refuse to build.
        let seeds: Vec<u64> = stricter.iter().map(|(seed, ..)| *seed).collect();
        let mut later = 0;
        for (case, refusal) in stricter.into_iter().zip(ask("build", &kind, &seeds)) {
            match refusal {
                Some(refusal) if refusal.is_empty() => different.push(case),
                _ => later += 1,
            }
        }
        differing += different.len();
        for (seed, real, ours) in different {
            let refusal = if real.accepted() { None } else { ask("build", &kind, &[seed]).remove(0) };
            println!(
                "  {kind}:{seed} {}\n    NVIDIA {} ({})\n    ours {} ({})",
                real.text, real.answer, refusal.unwrap_or(real.reason), ours.answer, ours.reason
            );
        }
        println!(
            "{kind}: {agreed} of {count} agree, {later} refused by NVIDIA's builder only, {crashed} crash, NVIDIA accepts {accepted}, other place {place}"
        );
    }
    assert_eq!(differing, 0, "cases differ");
}
