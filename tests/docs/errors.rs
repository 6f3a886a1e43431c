//! `docs/reference/errors.md` has every code of the sources, with its category, and no other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::pages;

/// Where the crates' sources lie.
const CRATES: [&str; 7] = [
    "crates/core/src",
    "crates/storage/src",
    "crates/columns/src",
    "crates/sql/src",
    "crates/frames/src",
    "handlers/src",
    "src",
];

/// Codes whose category is worked out from another error's, which reading the source does not tell.
const CATEGORY_BY_HAND: [(&str, &str); 3] =
    [("missing-payload", "corrupt"), ("unreadable-reference", "corrupt"), ("handler-failed", "any")];

/// Codes with their categories.
type Codes = BTreeMap<String, BTreeSet<String>>;

#[test]
fn the_table_of_error_codes_is_that_of_the_sources() {
    compare("## Errors\n", &of_the_library());
}

#[test]
fn the_table_of_the_programs_own_codes_is_that_of_the_sources() {
    let mut own = of_the_program();
    assert!(own.len() > 5, "the sources were not understood: {own:?}");
    for code in of_the_library().keys() {
        own.remove(code);
    }
    compare("## Errors of the program\n", &own);
}

/// The codes that the program gives by `Failure::new`.
fn of_the_program() -> Codes {
    let mut found = Codes::new();
    for source in sources(&pages::root().join("src/cli")) {
        for call in ["Failure::new(", "Self::new("] {
            for part in source.split(call).skip(1) {
                let code = part.trim_start().strip_prefix('"').and_then(|part| part.split_once('"'));
                let Some((code, rest)) = code else { continue };
                let Some((between, rest)) = rest.split_once("ErrorCategory::") else { continue };
                if between.trim_start_matches([',', ' ', '\n']).trim_end_matches("datafolio_core::").is_empty() {
                    let category: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
                    found.entry(code.to_owned()).or_default().insert(kebab(&category));
                }
            }
        }
    }
    found
}

/// The text of every source file below a directory. The program's own errors are not the library's.
fn sources(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path != pages::root().join("src/cli") {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(pages::read(&path));
        }
    }
    found
}

fn of_the_library() -> Codes {
    let mut expected = Codes::new();
    for source in CRATES.iter().flat_map(|dir| sources(&pages::root().join(dir))) {
        let categories = arms(&source, "fn category(&self)", "ErrorCategory::", ".category()");
        for (variant, codes) in arms(&source, "fn code(&self) -> &'static str", "\"", ".code()") {
            for code in codes {
                let of_code = expected.entry(code).or_default();
                of_code.extend(categories.get(&variant).into_iter().flatten().map(|name| kebab(name)));
            }
        }
    }
    for (code, category) in CATEGORY_BY_HAND {
        let of_code = expected.get_mut(code).unwrap_or_else(|| panic!("no source has the code {code}"));
        *of_code = BTreeSet::from([category.to_owned()]);
    }
    assert!(expected.len() > 40, "the sources were not understood: {expected:?}");
    expected
}

fn compare(heading: &str, expected: &Codes) {
    let documented = rows("docs/reference/errors.md", heading);
    let documented: Codes = documented
        .into_iter()
        .map(|(code, category)| (code, category.split(" or ").map(str::to_owned).collect()))
        .collect();
    for (code, categories) in expected {
        let found = documented.get(code).unwrap_or_else(|| panic!("docs/reference/errors.md lacks `{code}`"));
        assert_eq!(found, categories, "category of `{code}`");
    }
    for code in documented.keys() {
        assert!(expected.contains_key(code), "docs/reference/errors.md has `{code}`, and no source has");
    }
}

#[test]
fn the_table_of_findings_is_that_of_the_sources() {
    let read = |name: &str| pages::read(&pages::root().join("src/bundle").join(name));
    let flaws = pages::read(&pages::root().join("crates/core/src/flaw.rs"));
    let source = read("verify.rs") + &read("verify_history.rs") + flaws.split("#[cfg(test)]").next().unwrap();
    let is_code = |text: &&str| {
        text.contains('-')
            && text
                .split('-')
                .all(|word| !word.is_empty() && word.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()))
    };
    let mut given: BTreeSet<&str> =
        source.split('"').skip(1).step_by(2).filter(is_code).filter(|text| *text != "kebab-case").collect();
    // What the built-in handlers note.
    let notes = pages::read(&pages::root().join("handlers/src/referenced_table.rs"));
    assert!(notes.contains("\"changed-reference\""));
    given.insert("changed-reference");
    let documented = rows("docs/reference/errors.md", "## Findings of verify");
    let documented: BTreeSet<&str> = documented.keys().map(String::as_str).collect();
    assert_eq!(documented, given);
}

/// Of a function that is one `match` on `self`: for each variant the results that begin with `result`. An arm that asks the
/// error inside has none of its own.
fn arms(source: &str, function: &str, result: &str, asks_inside: &str) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for part in source.split(function).skip(1) {
        let body = &part[..part.find("\n    }\n").expect("the end of the function")];
        // An attribute of an arm is none of them.
        let body: String =
            body.lines().filter(|line| !line.trim_start().starts_with("#[")).collect::<Vec<_>>().join("\n");
        let mut variants: Vec<String> = Vec::new();
        let mut rest = body.as_str();
        // Whichever of the three comes next.
        while let Some((at, kind)) = ["Self::", result, asks_inside]
            .iter()
            .enumerate()
            .filter_map(|(kind, text)| Some((rest.find(text)?, kind)))
            .min()
        {
            let text = &rest[at + ["Self::", result, asks_inside][kind].len()..];
            let word: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '-').collect();
            match kind {
                0 => variants.push(word.clone()),
                // A type with one kind of error has no variants.
                1 if variants.is_empty() => found.entry(String::new()).or_default().push(word.clone()),
                1 => variants.drain(..).for_each(|variant| found.entry(variant).or_default().push(word.clone())),
                _ => variants.clear(),
            }
            // Behind the word, and behind the quote that ends it.
            let skip = word.len() + usize::from(result == "\"" && kind == 1);
            rest = &text[skip..];
        }
    }
    found
}

fn kebab(name: &str) -> String {
    let mut text = String::new();
    for (index, c) in name.char_indices() {
        if c.is_uppercase() && index > 0 {
            text.push('-');
        }
        text.extend(c.to_lowercase());
    }
    text
}

/// First and second cell of the table below a heading.
fn rows(page: &str, heading: &str) -> BTreeMap<String, String> {
    let text = pages::read(&pages::root().join(page));
    let section = text.split(heading).nth(1).unwrap_or_else(|| panic!("{page} has no {heading:?}"));
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut found = BTreeMap::new();
    for line in section.lines().filter(|line| line.starts_with("| `")) {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let code = cells.next().unwrap_or_default().trim_matches('`').to_owned();
        let second = cells.next().unwrap_or_default().to_owned();
        assert!(found.insert(code.clone(), second).is_none(), "{page} has `{code}` twice");
    }
    found
}
