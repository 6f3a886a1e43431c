//! The pages of the documentation, and their parts.

use std::fs;
use std::path::{Path, PathBuf};

/// The top of the checkout.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Markdown pages for people: those at the top, and everything below `docs/`.
pub(super) fn all() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root().join(name)).into();
    collect(&root().join("docs"), &mut pages);
    pages.push(root().join("examples/data/README.md"));
    pages.sort();
    pages
}

fn collect(dir: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, pages);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
}

/// The page as people call it, for messages.
pub(super) fn name(page: &Path) -> String {
    page.strip_prefix(root()).unwrap_or(page).display().to_string()
}

pub(super) fn read(page: &Path) -> String {
    fs::read_to_string(page).unwrap_or_else(|error| panic!("{}: {error}", name(page)))
}

/// A fenced block of code.
#[derive(Debug)]
pub(super) struct Block {
    /// What follows the fence: a language, perhaps with a word more.
    pub(super) info: String,
    /// Line of the fence, counted from 1.
    pub(super) line: usize,
    pub(super) text: String,
}

/// The fenced blocks of a page, and its text without them (line by line, so that numbers stay right).
pub(super) fn split(text: &str) -> (Vec<Block>, String) {
    let mut blocks: Vec<Block> = Vec::new();
    let mut prose = String::new();
    let mut open: Option<(String, Block)> = None;
    for (index, line) in text.lines().enumerate() {
        match &mut open {
            Some((fence, block)) => {
                if line.trim_end() == fence {
                    blocks.extend(open.take().map(|(_, block)| block));
                } else {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
            }
            None if line.starts_with("```") => {
                let fence: String = line.chars().take_while(|c| *c == '`').collect();
                let info = line[fence.len()..].trim().to_owned();
                open = Some((fence, Block { info, line: index + 1, text: String::new() }));
            }
            None => prose.push_str(line),
        }
        prose.push('\n');
    }
    assert!(open.is_none(), "a block of code is not closed: {open:?}");
    (blocks, prose)
}

/// Replaces what stands between `<!-- begin NAME -->` and `<!-- end NAME -->`, with `UPDATE_DOCS=1`; otherwise fails when
/// it is something else.
pub(super) fn check_generated(page: &Path, part: &str, expected: &str) {
    let text = read(page);
    let (begin, end) = (format!("<!-- begin {part} -->\n"), format!("<!-- end {part} -->"));
    let start = text.find(&begin).unwrap_or_else(|| panic!("{} has no {begin:?}", name(page))) + begin.len();
    let stop = text[start..].find(&end).unwrap_or_else(|| panic!("{} has no {end:?}", name(page))) + start;
    if text[start..stop] == *expected {
        return;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(page, format!("{}{expected}{}", &text[..start], &text[stop..])).unwrap();
        return;
    }
    let (found, wanted): (Vec<&str>, Vec<&str>) = (text[start..stop].lines().collect(), expected.lines().collect());
    let at = found.iter().zip(&wanted).take_while(|(a, b)| a == b).count();
    panic!(
        "{}, part {part:?}, line {}: it says\n  {}\nand the code\n  {}\nrun `make docs` if the code is right",
        name(page),
        text[..start].lines().count() + at + 1,
        found.get(at).unwrap_or(&"(nothing more)"),
        wanted.get(at).unwrap_or(&"(nothing more)"),
    );
}
