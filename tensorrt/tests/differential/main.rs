//! Random layers: the emulator infers what NVIDIA's own library infers, and refuses what it refuses.
//!
//! Each case is drawn from a seed, and both libraries get the same one through the safe interface. NVIDIA's library works in a child
//! process, for it may crash. Skipped where `TENSORRT_TEST_RTX17` does not name the library's folder.
//!
//! `TENSORRT_TEST_LAYERS=shuffle:7` replays seed 7 of shuffles, `shuffle:0:1000` a thousand; `TENSORRT_TEST_LONG` runs many more.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod differences;
mod draft;
mod execution;
mod layers;
mod outcome;
mod random;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use tensorrt::{Builder, Family, Library, LoadOptions, Version};

use crate::differences::DIFFERENCES;
use crate::layers::{Generator, LAYERS};
use crate::outcome::Outcome;

/// What a child process is told: kind, first seed, count.
const CHILD: &str = "TENSORRT_TEST_LAYERS_CHILD";
/// How many cases a kind has in a normal run.
const CASES: u64 = 300;
/// How many of the cases that NVIDIA refuses when it builds, at the earliest, are built in a normal run.
const BUILDS: usize = 8;

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

/// The kinds, first seeds and counts that a run is about, and whether all of them are.
fn asked() -> (Vec<(String, u64, u64)>, bool) {
    let count = if long() { CASES * 20 } else { CASES };
    match std::env::var("TENSORRT_TEST_LAYERS") {
        Ok(replay) => (replay.split(',').map(range).collect(), false),
        Err(_) => (LAYERS.iter().map(|(kind, _)| ((*kind).to_owned(), 0, count)).collect(), true),
    }
}

fn long() -> bool {
    std::env::var_os("TENSORRT_TEST_LONG").is_some()
}

fn emulator() -> Library {
    tensorrt_emulator::library_as(Family::RtxNew, Version::new(1, 7, 1)).unwrap()
}

/// A case that is answered differently: its seed, NVIDIA's answer and the emulator's.
type Case = (u64, Outcome, Outcome);

/// Of cases that the emulator refuses and NVIDIA infers: those that NVIDIA builds, and the number of those that it refuses then.
fn built(kind: &str, stricter: Vec<Case>) -> (Vec<Case>, usize) {
    let seeds: Vec<u64> = stricter.iter().map(|(seed, ..)| *seed).collect();
    let cases = stricter.into_iter().zip(ask("build", kind, &seeds));
    let (built, refused): (Vec<_>, Vec<_>) =
        cases.partition(|(_, refusal)| refusal.as_ref().is_some_and(String::is_empty));
    (built.into_iter().map(|(case, _)| case).collect(), refused.len())
}

#[test]
fn layers_are_inferred_as_by_nvidia() {
    if std::env::var_os("TENSORRT_TEST_RTX17").is_none() {
        println!("skipped: TENSORRT_TEST_RTX17 is not set");
        return;
    }
    let (asked, whole) = asked();
    let library = emulator();
    let builder = Builder::new(&library).unwrap();
    let mut seen = vec![0; DIFFERENCES.len()];
    let mut wrong = 0;
    for (kind, first, count) in asked {
        let seeds: Vec<u64> = (first..first + count).collect();
        let (mut agreed, mut accepted, mut crashed, mut known) = (0, 0, 0, 0);
        let (mut stricter, mut different) = (Vec::new(), Vec::new());
        for (&seed, real) in seeds.iter().zip(ask("infer", &kind, &seeds)) {
            let ours = outcome::run(&builder, generator(&kind), seed);
            let Some(real) = real.as_deref().and_then(Outcome::of_line) else {
                crashed += 1;
                continue;
            };
            accepted += u64::from(real.accepted());
            let listed = DIFFERENCES.iter().position(|it| it.kinds.contains(&&kind[..]) && (it.is)(&real, &ours));
            match listed {
                _ if ours.answer == real.answer => agreed += 1,
                Some(at) => {
                    seen[at] += 1;
                    known += 1;
                }
                None if real.accepted() && !ours.accepted() => stricter.push((seed, real, ours)),
                None => different.push((seed, real, ours)),
            }
        }
        // What the emulator refuses and NVIDIA infers, NVIDIA must refuse to build; a build takes as long as a thousand inferences.
        let refused = stricter.len();
        stricter.truncate(if long() || !whole { usize::MAX } else { BUILDS });
        let (built, later) = built(&kind, stricter);
        different.extend(built);
        wrong += different.len();
        for (seed, real, ours) in different {
            let reason = if real.accepted() { None } else { ask("build", &kind, &[seed]).remove(0) };
            println!(
                "  {kind}:{seed} {}\n    NVIDIA {} ({})\n    ours {} ({})",
                real.text,
                real.answer,
                reason.unwrap_or(real.reason),
                ours.answer,
                ours.reason
            );
        }
        println!(
            "{kind}: {agreed} of {count} agree ({accepted} accepted), {refused} NVIDIA refuses when building ({later} tried), \
             {known} known differences, {crashed} crash NVIDIA's library"
        );
    }
    assert_eq!(wrong, 0, "cases differ");
    for (difference, count) in DIFFERENCES.iter().zip(seen) {
        println!("{count} cases of {:?}: {}", difference.kinds, difference.reason);
        assert!(
            count > 0 || !whole,
            "no case has the known difference of {:?}: {}",
            difference.kinds,
            difference.reason
        );
    }
}

#[test]
fn accepted_layers_run() {
    let (asked, _) = asked();
    let library = emulator();
    let builder = Builder::new(&library).unwrap();
    let mut broken = Vec::new();
    for (kind, first, count) in asked {
        let (mut ran, mut refused) = (0, Vec::new());
        for seed in first..first + count {
            match execution::run(&builder, generator(&kind), seed) {
                None => {}
                Some(Ok(())) => ran += 1,
                Some(Err(error)) => refused.push((seed, error.to_string())),
            }
        }
        println!("{kind}: {ran} run, {} refused", refused.len());
        for (seed, error) in &refused {
            println!("  {kind}:{seed} {error}");
        }
        broken.extend(refused.into_iter().filter(|(_, error)| error.contains("panicked")));
    }
    assert_eq!(broken, []);
}
