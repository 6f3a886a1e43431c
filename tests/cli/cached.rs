//! The cache of copies of what lies on a store, where it cannot be written, and where something has happened to what is in it: the answers
//! are the same.

use std::path::{Path, PathBuf};
use std::process::Command;

use datafolio_testkit::object_server::ObjectServer;
use serde_json::Value;

use super::Home;

const ADDRESS: &str = "s3://bucket/trial";

/// What is asked: of SQL, a frame and a walk, each of which reads the table in another way.
const QUESTIONS: [&[&str]; 4] = [
    &["sql", "SELECT count(*) AS n, sum(x) AS s, max(name) AS m FROM visits WHERE x % 7 = 3"],
    &["compute", "visits", "sum(x)", "mean(x)"],
    &["sql", "SELECT x, name FROM visits WHERE x IN (5, 77777, 149999)"],
    &["head", "visits"],
];

fn home(server: &ObjectServer) -> Home {
    let home = Home::new()
        .with("AWS_ENDPOINT_URL", &server.endpoint())
        .with("AWS_ACCESS_KEY_ID", "key")
        .with("AWS_SECRET_ACCESS_KEY", "secret")
        .with("AWS_REGION", "here");
    let rows: String = (0..150_000_u64).map(|x| format!("{x},n{}\n", x.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    home.write("visits.csv", format!("x,name\n{rows}"));
    home.ok(&["-f", ADDRESS, "init"]);
    home.ok(&["-f", ADDRESS, "import", "visits.csv"]);
    home
}

fn asked(home: &Home, question: &[&str]) -> Value {
    let mut arguments = vec!["-f", ADDRESS];
    arguments.extend(question);
    home.json(&arguments)
}

fn answers(home: &Home) -> Vec<Value> {
    QUESTIONS.iter().map(|question| asked(home, question)).collect()
}

/// Everything that is kept, with the copies among it.
fn kept(home: &Home) -> Vec<PathBuf> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => walk(&path, found),
                path => found.push(path),
            }
        }
    }
    let mut found = Vec::new();
    walk(&home.root().join(".cache"), &mut found);
    found
}

fn is_copy(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.len() == 64)
}

type Damage = (&'static str, fn(&Path));

#[test]
fn copies_that_are_damaged_are_fetched_again() {
    let server = ObjectServer::start();
    let home = home(&server);
    let expected = answers(&home);
    home.ok(&["-f", ADDRESS, "cache", "prefetch"]);
    let damages: [Damage; 4] = [
        ("flipped", |path| {
            let mut bytes = std::fs::read(path).unwrap();
            let middle = bytes.len() / 2;
            bytes.iter_mut().skip(middle).take(1).for_each(|byte| *byte ^= 0x40);
            std::fs::write(path, bytes).unwrap();
        }),
        ("truncated", |path| {
            let bytes = std::fs::read(path).unwrap();
            std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("emptied", |path| std::fs::write(path, b"").unwrap()),
        ("replaced by a directory", |path| {
            std::fs::remove_file(path).unwrap();
            std::fs::create_dir(path).unwrap();
        }),
    ];
    for (case, damage) in damages {
        let files = kept(&home);
        assert!(files.iter().any(|path| is_copy(path)), "{case}: {files:?}");
        files.iter().for_each(|path| damage(path));
        for (question, expected) in QUESTIONS.iter().zip(&expected) {
            // What is found out in the middle of an answer is said, and the next try fetches it again.
            let mut arguments = vec!["-f", ADDRESS];
            arguments.extend(*question);
            let first = home.run(&arguments);
            if first.code != 0 {
                assert!(first.err.contains("it is the copy in the cache that is damaged"), "{case}: {first:?}");
            }
            assert_eq!(asked(&home, question), *expected, "{case}: {question:?}");
        }
        home.ok(&["cache", "list"]);
        home.ok(&["cache", "clear"]);
        // Whatever was in its way is gone, or is not in it.
        std::fs::remove_dir_all(home.root().join(".cache")).unwrap();
        home.ok(&["-f", ADDRESS, "cache", "prefetch"]);
    }
}

#[test]
fn a_cache_that_cannot_be_written_is_done_without() {
    let server = ObjectServer::start();
    let home = home(&server);
    let expected = answers(&home);
    std::fs::remove_dir_all(home.root().join(".cache")).unwrap();
    std::fs::write(home.root().join(".cache"), "a file").unwrap();
    assert_eq!(answers(&home), expected);
    let prefetched = home.run(&["-f", ADDRESS, "cache", "prefetch"]);
    assert!(prefetched.code != 0 && prefetched.err.contains(".cache"), "{prefetched:?}");
}

/// A limit on the size of files, beyond which writing fails as it does on a full disk.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_done_without() {
    let server = ObjectServer::start();
    let home = home(&server);
    let expected = answers(&home);
    std::fs::remove_dir_all(home.root().join(".cache")).unwrap();
    let limited = |arguments: &[&str]| {
        let plain = home.command(arguments);
        let mut command = Command::new("sh");
        command.arg("-c").arg("trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\"");
        command.arg(plain.get_program()).args(plain.get_args()).current_dir(plain.get_current_dir().unwrap());
        command.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.output().unwrap()
    };
    for (question, expected) in QUESTIONS.iter().zip(&expected) {
        let mut arguments = vec!["-f", ADDRESS, "--json"];
        arguments.extend(*question);
        let ran = limited(&arguments);
        let error = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.success(), "{question:?}: {error}");
        assert_eq!(serde_json::from_slice::<Value>(&ran.stdout).unwrap(), *expected, "{question:?}");
    }
    assert!(!kept(&home).iter().any(|path| is_copy(path)));
    let ran = limited(&["-f", ADDRESS, "cache", "prefetch"]);
    let error = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(!ran.status.success() && error.contains("in the cache"), "{error}");
    // With room again, all is as before.
    home.ok(&["-f", ADDRESS, "cache", "prefetch"]);
    assert_eq!(answers(&home), expected);
}
