//! `cargo xtask tidy`: what a reader would stumble over and no compiler objects to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::layers::ARROWS;
use crate::workspace::{Outcome, files, report, root};

/// The names the top level may hold, beside licences and dot-files.
const TOP_LEVEL: &[&str] =
    &["Cargo.toml", "Cargo.lock", "crates", "fixtures", "tests", "xtask", "README.md", "CHANGELOG.md"];

/// A file with more lines of code than this usually holds two things. Blank lines, comments and the unit tests at the
/// end of the file are not counted.
const CODE_LINES_MAX: usize = 600;

/// Folders of machines. A path through one of them works on one machine only.
const MACHINE_FOLDERS: &[&str] = &["home", "root", "tmp", "work", "Users", "var/folders"];

/// Marks of unfinished work. In two halves, so that this file does not hold them.
const LEFTOVERS: &[(&str, &str)] = &[("TO", "DO"), ("FIX", "ME"), ("to", "do!("), ("unimpl", "emented!(")];

/// Tests that do not test.
const TEST_ATTRIBUTES: &[(&str, &str)] = &[("#[ign", "ore"), ("#[should_", "panic")];

const LINT_ATTRIBUTES: &[(&str, &str)] = &[("[all", "ow("), ("[exp", "ect(")];

/// Runs every check of this module over the files git knows.
///
/// # Errors
///
/// If one finds something.
pub(crate) fn check() -> Outcome {
    let files = files()?;
    let mut problems = top_level(&files);
    for path in files.iter().filter(|path| is_text(path)) {
        let text = fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))?;
        problems.extend(machine_paths(path, &text));
        if is_code(path) {
            problems.extend(marks(path, &text, LEFTOVERS));
        }
        if path.ends_with(".rs") {
            problems.extend(marks(path, &text, TEST_ATTRIBUTES));
            problems.extend(reasonless(path, &text));
            problems.extend(too_long(path, &text));
            problems.extend(repeated_sources(path, &text));
        }
    }
    let crates: BTreeSet<&str> =
        files.iter().filter_map(|path| path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")).collect();
    problems.extend(map(&crates, &fs::read_to_string(root().join("crates/README.md"))?));
    report("tidy", &problems)
}

fn is_code(path: &str) -> bool {
    [".rs", ".py", ".toml", ".sh"].iter().any(|ending| path.ends_with(ending)) || path == ".ci/run"
}

fn is_text(path: &str) -> bool {
    is_code(path) || [".md", ".json", ".txt", ".yaml", ".yml"].iter().any(|ending| path.ends_with(ending))
}

fn top_level(files: &[String]) -> Vec<String> {
    let names: BTreeSet<&str> = files.iter().filter_map(|path| path.split('/').next()).collect();
    let agreed =
        |name: &&str| TOP_LEVEL.contains(name) || name.starts_with('.') || name.starts_with("LICENSE");
    names
        .into_iter()
        .filter(|name| !agreed(name))
        .map(|name| format!("{name} does not belong at the top level"))
        .collect()
}

/// Texts of errors that hold the error they stem from: `rangefold_array::chain` prints both, so it would be told twice.
///
/// A field called `source` is always where an error stems from, and so is one with one of the two attributes.
fn repeated_sources(path: &str, text: &str) -> Vec<String> {
    let attribute = concat!("#[err", "or(");
    let texts = text.match_indices(attribute).filter_map(|(at, _)| {
        let (shown, variant) = text.get(at..)?.split_once(")]")?;
        let variant = variant.split_once('\n')?.1.split(attribute).next()?;
        let variant = variant.lines().take_while(|line| !line.trim_start().starts_with("///")).next()?;
        let stems = ["#[from]", "#[source]"].iter().any(|mark| variant.contains(mark));
        let repeats = shown.contains("{source") || stems && shown.contains("{0");
        let line = text.get(..at)?.lines().count() + 1;
        repeats.then(|| format!("{path}:{line}: the text of an error repeats its source"))
    });
    texts.collect()
}

/// Each line of `text` that holds one of `marks`, a mark being the two halves joined.
fn marks(path: &str, text: &str, marks: &[(&str, &str)]) -> Vec<String> {
    let marks: Vec<String> = marks.iter().map(|(head, tail)| format!("{head}{tail}")).collect();
    let found = text.lines().enumerate().filter_map(|(index, line)| {
        let mark = marks.iter().find(|mark| line.contains(mark.as_str()))?;
        Some(format!("{path}:{}: {mark}", index + 1))
    });
    found.collect()
}

/// Lines with an absolute path into a folder of [`MACHINE_FOLDERS`].
fn machine_paths(path: &str, text: &str) -> Vec<String> {
    let starts: Vec<String> = MACHINE_FOLDERS.iter().map(|folder| format!("/{folder}/")).collect();
    let inside_a_path =
        |before: &str| before.ends_with(|c: char| c.is_alphanumeric() || "._-}>)*".contains(c));
    let absolute = |line: &str, start: &str| {
        line.match_indices(start).any(|(at, _)| !inside_a_path(line.get(..at).unwrap_or_default()))
    };
    let found = text.lines().enumerate().filter_map(|(index, line)| {
        let start = starts.iter().find(|start| absolute(line, start))?;
        Some(format!("{path}:{}: a path of one machine: {start}", index + 1))
    });
    found.collect()
}

/// Attributes that silence or expect a lint without saying why.
fn reasonless(path: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for (head, tail) in LINT_ATTRIBUTES {
        let mark = format!("{head}{tail}");
        for (at, _) in text.match_indices(&mark) {
            let (before, attribute) = text.split_at(at);
            let attribute = attribute.split_once(")]").map_or(attribute, |(attribute, _)| attribute);
            if before.ends_with(['#', '!']) && !attribute.contains("reason =") {
                problems
                    .push(format!("{path}:{}: #{mark}..)] without a reason", before.lines().count().max(1)));
            }
        }
    }
    problems
}

fn too_long(path: &str, text: &str) -> Option<String> {
    let count = code_lines(text);
    (count > CODE_LINES_MAX).then(|| format!("{path}: {count} lines of code, more than {CODE_LINES_MAX}"))
}

/// Lines that are neither blank nor comment, up to the unit tests.
fn code_lines(text: &str) -> usize {
    let code = text.split_once("\n#[cfg(test)]\nmod tests {").map_or(text, |(code, _)| code);
    code.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

/// Compares the table of `crates/README.md` with the crates there are and with the arrows between them. The folder of a
/// crate stands in the first cell, what it may use in the last.
fn map(crates: &BTreeSet<&str>, readme: &str) -> Vec<String> {
    let rows: BTreeMap<&str, BTreeSet<&str>> = readme
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` |")?;
            Some((name, rest.rsplit_once("| ")?.1.split(", ").filter(|used| *used != "–").collect()))
        })
        .collect();
    let mut problems = Vec::new();
    for name in rows.keys().filter(|name| !crates.contains(*name)) {
        problems.push(format!("crates/README.md has a row for {name}, which is not there"));
    }
    for name in crates {
        let Some(said) = rows.get(name) else {
            problems.push(format!("crates/README.md has no row for {name}"));
            continue;
        };
        let arrows = ARROWS.iter().find(|(folder, _)| folder == name).map_or(&[][..], |(_, arrows)| arrows);
        let meant: BTreeSet<&str> = arrows.iter().copied().filter(|used| crates.contains(used)).collect();
        if *said != meant {
            problems.push(format!(
                "crates/README.md says {name} may use {said:?}, xtask/src/layers.rs {meant:?}"
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_whose_text_holds_its_source_is_told() {
        let error = concat!("#[err", "or");
        let told = |text: String| repeated_sources("a.rs", &text);
        let one = "a.rs:1: the text of an error repeats its source";
        assert_eq!(told(format!("{error}(\"no: {{source}}\")]\nNo {{ source: Other }},\n")), [one]);
        assert_eq!(told(format!("{error}(\"no: {{0}}\")]\nNo(#[from] Other),\n")), [one]);
        assert!(told(format!("{error}(\"no\")]\nNo(#[source] Other),\n")).is_empty());
        assert!(
            told(format!("{error}(\"no: {{0}}\")]\nNo(String),\n/// Else.\n{error}(\"x\")]\nX(#[from] Y),"))
                .is_empty()
        );
    }

    #[test]
    fn marks_are_found_with_their_line() {
        let word = ["TO", "DO"].concat();
        assert_eq!(
            marks("a.rs", &format!("fine\n// {word}: more\n"), LEFTOVERS),
            [format!("a.rs:2: {word}")]
        );
    }

    #[test]
    fn a_path_of_a_machine_is_told_from_the_end_of_another_path() {
        let path = ["/ho", "me/me/data.nc"].concat();
        assert_eq!(machine_paths("a.md", &format!("open {path}")).len(), 1);
        assert_eq!(machine_paths("a.md", &format!("open s3://bucket{path}")), Vec::<String>::new());
    }

    #[test]
    fn an_attribute_that_silences_a_lint_needs_a_reason() {
        let bare = ["#[all", "ow(dead_code)]\nfn f() {}"].concat();
        let explained = ["#[all", "ow(\n    dead_code,\n    reason = \"why\"\n)]\nfn f() {}"].concat();
        assert_eq!(reasonless("a.rs", &format!("fn g() {{}}\n{bare}")).len(), 1);
        assert_eq!(reasonless("a.rs", &explained), Vec::<String>::new());
    }

    #[test]
    fn comments_blank_lines_and_unit_tests_are_not_code() {
        assert_eq!(
            code_lines(
                "//! Head.\n\nfn f() {\n    // why\n    g();\n}\n\n#[cfg(test)]\nmod tests {\n    x\n}\n"
            ),
            3
        );
    }

    #[test]
    fn the_map_must_name_every_crate_and_its_arrows() {
        let readme = "| crate | is | may use |\n|---|---|---|\n| `array` | numbers | – |\n| `refs` | two `x` | codec |\n\
                      | `gone` | nothing | – |\n";
        let crates = BTreeSet::from(["array", "refs", "scan"]);
        assert_eq!(
            map(&crates, readme),
            [
                "crates/README.md has a row for gone, which is not there",
                "crates/README.md says refs may use {\"codec\"}, xtask/src/layers.rs {\"array\"}",
                "crates/README.md has no row for scan",
            ]
        );
    }

    #[test]
    fn only_the_agreed_names_stand_at_the_top_level() {
        let files =
            ["Cargo.toml", "LICENSE-MIT", ".ci/run", "crates/a/b.rs", "notes/x.md"].map(str::to_owned);
        assert_eq!(top_level(&files), ["notes does not belong at the top level"]);
    }
}
