//! Every saved input of the fuzz targets, and each of its beginnings: nothing panics, aborts or runs on.

use std::fs;
use std::path::Path;

use datafolio_testkit::fuzz::TARGETS;

#[test]
fn saved_inputs_of_the_fuzz_targets_are_survived() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, target) in TARGETS {
        let files: Vec<_> = fs::read_dir(corpora.join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(files.len() >= 7, "{name} has {} inputs", files.len());
        for file in files {
            let data = fs::read(&file).unwrap();
            println!("{name} {}", file.display());
            target(&data);
            // A file may end anywhere.
            for end in (0..data.len()).step_by(1 + data.len() / 200) {
                target(&data[..end]);
            }
        }
    }
    let targets = fs::read_dir(corpora).unwrap().count();
    assert_eq!(targets, TARGETS.len());
}
