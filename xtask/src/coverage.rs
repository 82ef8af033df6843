//! Which of NVIDIA's public methods the safe crate wraps.
//!
//! A method counts as wrapped if the safe crate calls its entry of the function table, or, for a callback interface, fills the function
//! of that name. `coverage.tsv` lists the methods that are there in another way, and those that are left out, with the reasons.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use crate::facts::{Facts, Kind, Public, Table};
use crate::{Error, Result};

/// The share of methods that `--check` asks for, in percent.
const GOAL: usize = 98;

/// Runs `cargo xtask coverage [--check]`.
pub(crate) fn run(workspace: &Path, args: &[String]) -> Result<()> {
    let check = match args {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => return Err("usage: cargo xtask coverage [--check]".into()),
    };
    let facts = Facts::load(&workspace.join("tensorrt-sys/facts"))?;
    let notes = notes(&Table::read(&workspace.join("xtask/src/coverage.tsv"))?)?;
    let used = Used::read(&workspace.join("tensorrt/src"))?;
    let report = Report::new(&facts, &notes, &used)?;
    print!("{report}");
    if check && report.percent() < GOAL {
        let said = format!("{} % of the methods are wrapped, {GOAL} % are asked for", report.percent());
        return Err(said.into());
    }
    Ok(())
}

/// What `coverage.tsv` says of a method: whether it is there in another way, and why.
type Notes = BTreeMap<(String, String), (bool, String)>;

fn notes(table: &Table) -> Result<Notes> {
    let mut notes = Notes::new();
    for row in table.rows() {
        let covered = match row.get("state")? {
            "covered" => true,
            "left" => false,
            other => return Err(format!("coverage.tsv: the state '{other}' is neither 'covered' nor 'left'").into()),
        };
        let key = (row.get("class")?.to_owned(), row.get("method")?.to_owned());
        if notes.insert(key.clone(), (covered, row.get("reason")?.to_owned())).is_some() {
            return Err(format!("coverage.tsv: {}::{} is there twice", key.0, key.1).into());
        }
    }
    Ok(notes)
}

/// The identifiers in the sources of the safe crate.
struct Used(BTreeSet<String>);

impl Used {
    fn read(folder: &Path) -> Result<Self> {
        let (mut words, mut folders) = (BTreeSet::new(), vec![folder.to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    Self::add(&mut words, &std::fs::read_to_string(&path)?);
                }
            }
        }
        Ok(Self(words))
    }

    /// Adds the words of code, which are not those of comments and of texts.
    fn add(words: &mut BTreeSet<String>, source: &str) {
        for line in source.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for (index, part) in line.split('"').enumerate() {
                if index % 2 == 0 {
                    let word = |c: char| !(c.is_alphanumeric() || c == '_');
                    words.extend(part.split(word).filter(|word| !word.is_empty()).map(str::to_owned));
                }
            }
        }
    }

    fn has(&self, word: &str) -> bool {
        self.0.contains(word)
    }
}

#[derive(Default)]
struct Class {
    wrapped: usize,
    missing: Vec<String>,
}

struct Report {
    classes: BTreeMap<String, Class>,
    left: Vec<String>,
}

impl Report {
    fn new(facts: &Facts, notes: &Notes, used: &Used) -> Result<Self> {
        let mut report = Self { classes: BTreeMap::new(), left: Vec::new() };
        let mut unused: BTreeSet<&(String, String)> = notes.keys().collect();
        for public in facts.publics.iter().filter(|public| counts(public)) {
            let class = report.classes.entry(public.class.clone()).or_default();
            let key = (public.class.clone(), public.method.clone());
            let note = notes.get(&key);
            let wrapped = is_wrapped(facts, public, used);
            if !wrapped {
                unused.remove(&key);
            }
            match note {
                Some((true, _)) => class.wrapped += 1,
                _ if wrapped => class.wrapped += 1,
                Some((false, reason)) => {
                    class.missing.push(public.method.clone());
                    report.left.push(format!("{}::{}: {reason}", public.class, public.method));
                }
                None => class.missing.push(public.method.clone()),
            }
        }
        match unused.first() {
            Some((class, method)) => {
                Err(Error::from(format!("coverage.tsv: {class}::{method} is wrapped, or no method that counts")))
            }
            None => Ok(report),
        }
    }

    fn wrapped(&self) -> usize {
        self.classes.values().map(|class| class.wrapped).sum()
    }

    fn all(&self) -> usize {
        self.wrapped() + self.classes.values().map(|class| class.missing.len()).sum::<usize>()
    }

    fn percent(&self) -> usize {
        self.wrapped() * 100 / self.all().max(1)
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{:<32} {:>7} {:>5}  missing", "class", "wrapped", "of")?;
        for (name, class) in &self.classes {
            let mut row = String::new();
            write!(row, "{name:<32} {:>7} {:>5}", class.wrapped, class.wrapped + class.missing.len())?;
            if !class.missing.is_empty() {
                write!(row, "  {}", class.missing.join(" "))?;
            }
            writeln!(f, "{row}")?;
        }
        for left in &self.left {
            writeln!(f, "left out: {left}")?;
        }
        writeln!(f, "{} of {} methods are wrapped: {} %", self.wrapped(), self.all(), self.percent())
    }
}

/// Whether a method counts: what users must or should have, and no release of which deprecates it.
fn counts(public: &Public) -> bool {
    matches!(public.importance.as_str(), "must" | "should") && public.deprecated_in.is_empty()
}

fn is_wrapped(facts: &Facts, public: &Public, used: &Used) -> bool {
    let functions = format!("{}Fns", public.class);
    // What every interface answers of itself is in the shim, and so is there with the interface.
    let of_itself = matches!(public.method.as_str(), "getInterfaceInfo" | "getAPILanguage");
    if used.has(&functions) && (of_itself || used.has(&public.method)) {
        return true;
    }
    facts.entries.iter().any(|entry| {
        let Kind::Method { calls, .. } = &entry.kind else { return false };
        let calls = calls.0.iter().flatten();
        used.has(&entry.name)
            && calls.into_iter().any(|call| {
                let of = &call.public;
                (&of.class, &of.method, &of.signature) == (&public.class, &public.method, &public.signature)
            })
    })
}

#[cfg(test)]
mod tests {
    use super::{BTreeSet, Used};

    #[test]
    fn words_of_comments_and_texts_do_not_count() {
        let mut words = BTreeSet::new();
        Used::add(&mut words, "// ILayer_setName\ncall!(self.raw, ILayer_getName()); \"ILayer_getType\"; ILayer_x");
        let used = Used(words);
        assert!(used.has("ILayer_getName") && used.has("ILayer_x"));
        assert!(!used.has("ILayer_setName") && !used.has("ILayer_getType"));
    }
}
