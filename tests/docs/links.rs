//! Links lead somewhere, blocks of code say what they are, and nothing names a place on someone's machine.

use std::path::Path;

use super::pages;

#[test]
fn every_relative_link_resolves() {
    let mut broken = Vec::new();
    for page in pages::all() {
        let text = pages::read(&page);
        let (_, prose) = pages::split(&text);
        for (index, line) in prose.lines().enumerate() {
            for target in targets(line) {
                if let Some(reason) = broken_link(&page, target) {
                    broken.push(format!("{}:{}: {target}: {reason}", pages::name(&page), index + 1));
                }
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// The targets of `[text](target)`. What stands between backquotes is no link.
fn targets(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for part in line.split('`').step_by(2) {
        let mut rest = part;
        while let Some(at) = rest.find("](") {
            rest = &rest[at + 2..];
            let Some(end) = rest.find(')') else { break };
            found.push(&rest[..end]);
        }
    }
    // A link whose text is code: `[`code`](target)` is cut apart above.
    let mut pieces = line.split('`').step_by(2).skip(1);
    found.extend(pieces.by_ref().filter_map(|piece| piece.strip_prefix("](")?.split(')').next()));
    found.sort_unstable();
    found.dedup();
    found
}

fn broken_link(page: &Path, target: &str) -> Option<String> {
    if target.starts_with("http://") || target.starts_with("https://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    if path.starts_with('/') {
        return Some("a link inside the repository is relative".to_owned());
    }
    let file = if path.is_empty() { page.to_owned() } else { page.parent()?.join(path) };
    if !file.exists() {
        return Some("nothing is there".to_owned());
    }
    let anchor = anchor?;
    let text = pages::read(&file);
    let (_, prose) = pages::split(&text);
    let known =
        prose.lines().filter(|line| line.starts_with('#')).any(|line| slug(line.trim_start_matches('#')) == anchor);
    (!known).then(|| "the page has no such heading".to_owned())
}

/// The anchor of a heading: lower case, spaces as hyphens, without other punctuation.
fn slug(heading: &str) -> String {
    let keep = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    heading.trim().to_lowercase().chars().filter(keep).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_block_of_code_says_what_it_is() {
    // A block without a language is taken for Rust where pages are compiled, and is not run where it should be.
    const KNOWN: [&str; 10] =
        ["console", "json", "mermaid", "python", "python ignore", "rust", "sh", "sh ignore", "text", "toml"];
    for page in pages::all() {
        for block in pages::split(&pages::read(&page)).0 {
            assert!(KNOWN.contains(&block.info.as_str()), "{}:{}: {:?}", pages::name(&page), block.line, block.info);
        }
    }
}

#[test]
fn no_page_names_a_place_on_someones_machine() {
    const PLACES: [&str; 5] = ["/home/", "/root/", "/Users/", "/tmp/", "C:\\"];
    for page in pages::all() {
        for (index, line) in pages::read(&page).lines().enumerate() {
            for place in PLACES {
                assert!(!line.contains(place), "{}:{}: {line}", pages::name(&page), index + 1);
            }
        }
    }
}

#[test]
fn the_index_names_every_page() {
    let index = pages::root().join("docs/README.md");
    let text = pages::read(&index);
    for page in pages::all() {
        if let Ok(path) = page.strip_prefix(pages::root().join("docs"))
            && page != index
        {
            let link = format!("]({})", path.display());
            assert!(text.contains(&link), "docs/README.md has no link to {}", path.display());
        }
    }
}
