use std::time::{Duration, Instant};

use super::*;

fn lineage(items: &[(&str, &[&str])]) -> Lineage {
    Lineage::new(items.iter().map(|&(name, inputs)| (name, inputs.iter().copied())))
}

/// `raw` is a file outside; `clean` and `weather` feed `joined`, which feeds `model` and `report`.
fn example() -> Lineage {
    lineage(&[
        ("report", &["model", "joined", "model"]),
        ("clean", &["raw"]),
        ("weather", &[]),
        ("joined", &["clean", "weather"]),
        ("model", &["joined"]),
        ("alone", &[]),
    ])
}

#[test]
fn neighbours_keep_the_order_of_the_records_without_repeats() {
    let lineage = example();
    assert_eq!(lineage.inputs("report").unwrap(), ["model", "joined"]);
    assert_eq!(lineage.dependents("joined").unwrap(), ["report", "model"]);
    assert_eq!(lineage.inputs("alone").unwrap(), [""; 0]);
    assert_eq!(lineage.inputs("raw").unwrap(), [""; 0]);
    assert_eq!(lineage.dependents("raw").unwrap(), ["clean"]);
    assert_eq!(lineage.inputs("nothing"), None);
    assert_eq!(lineage.upstream("nothing"), None);
    assert!(lineage.is_item("clean") && !lineage.is_external("clean"));
    assert!(lineage.is_external("raw") && !lineage.is_item("raw"));
    assert!(!lineage.is_external("nothing") && !lineage.is_item("nothing"));
    assert_eq!(lineage.externals(), ["raw"]);
}

#[test]
fn closures_are_in_topological_order() {
    let lineage = example();
    assert_eq!(lineage.upstream("report").unwrap(), ["raw", "clean", "weather", "joined", "model"]);
    assert_eq!(lineage.downstream("clean").unwrap(), ["joined", "model", "report"]);
    assert_eq!(lineage.downstream("raw").unwrap(), ["clean", "joined", "model", "report"]);
    assert_eq!(lineage.upstream("alone").unwrap(), [""; 0]);
    assert!(lineage.cycles().is_empty());
    assert_eq!(lineage.check_acyclic(), Ok(()));

    let order = lineage.topological_order();
    let position = |name: &str| order.iter().position(|&other| other == name).unwrap();
    for (name, inputs) in lineage.items() {
        assert!(inputs.iter().all(|input| position(input) < position(name)), "{name} in {order:?}");
    }
}

#[test]
fn graph_holds_items_only() {
    let lineage = example();
    let graph = lineage.graph();
    assert_eq!(graph.len(), 6);
    assert_eq!(graph["clean"], ["raw"]);
    let names: Vec<&str> = lineage.items().map(|(name, _)| name).collect();
    assert_eq!(names, ["report", "clean", "weather", "joined", "model", "alone"]);
}

#[test]
fn cycles_are_found_and_survived() {
    let lineage = lineage(&[
        ("a", &["c"]),
        ("b", &["a"]),
        ("c", &["b", "start"]),
        ("after", &["c"]),
        ("self", &["self"]),
        ("start", &[]),
    ]);
    assert_eq!(lineage.cycles(), [vec!["a", "c", "b"], vec!["self"]]);
    assert_eq!(lineage.upstream("a").unwrap(), ["start", "b", "c"]);
    assert_eq!(lineage.downstream("a").unwrap(), ["b", "c", "after"]);
    assert_eq!(lineage.upstream("self").unwrap(), [""; 0]);
    let error = lineage.check_acyclic().unwrap_err();
    assert_eq!(error.to_string(), "lineage has a cycle: a <- c <- b <- a");
    assert_eq!((error.code(), error.category()), ("lineage-cycle", ErrorCategory::WrongState));
}

#[test]
fn shortest_cycle_of_a_tangle_is_reported() {
    let lineage = lineage(&[("a", &["b"]), ("b", &["c", "a"]), ("c", &["d"]), ("d", &["a"])]);
    assert_eq!(lineage.cycles(), [vec!["a", "b"]]);
}

#[test]
fn long_chains_and_rings_are_quick() {
    const COUNT: usize = 10_000;
    let name = |index: usize| format!("item{index}");
    // Both directions, as one of them meets every input before the item and the other after.
    for descending in [false, true] {
        let start = Instant::now();
        let mut items: Vec<(String, Vec<String>)> =
            (0..COUNT).map(|index| (name(index), if index == 0 { vec![] } else { vec![name(index - 1)] })).collect();
        if descending {
            items.reverse();
        }
        let chain = Lineage::new(items);
        let last = name(COUNT - 1);
        assert_eq!(chain.upstream(&last).unwrap().len(), COUNT - 1);
        assert_eq!(chain.upstream(&last).unwrap()[0], "item0");
        assert_eq!(chain.downstream("item0").unwrap()[COUNT - 2], last);
        assert!(chain.cycles().is_empty());
        assert!(chain.to_dot().len() > COUNT);
        // Generous for an unoptimised build on a busy machine; a quadratic step would take far longer.
        assert!(start.elapsed() < Duration::from_millis(1500), "{:?}", start.elapsed());
    }
    let ring = Lineage::new((0..COUNT).map(|index| (name(index), [name((index + 1) % COUNT)])));
    assert_eq!(ring.cycles()[0].len(), COUNT);
    assert_eq!(ring.upstream("item5").unwrap().len(), COUNT - 1);
    assert!(ring.check_acyclic().unwrap_err().to_string().len() < 300);
}

#[test]
fn dense_graphs_are_quick() {
    let start = Instant::now();
    let dense = Lineage::new((0..600).map(|index| (format!("n{index}"), (0..index).map(|other| format!("n{other}")))));
    assert_eq!(dense.upstream("n599").unwrap().len(), 599);
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[test]
fn drawings_are_sorted_and_mark_external_nodes() {
    let forward = lineage(&[("b", &["a", "file"]), ("a", &[])]);
    let backward = lineage(&[("a", &[]), ("b", &["file", "a"])]);
    let dot = "digraph lineage {\n  rankdir=LR;\n  node [shape=box];\n  n0 [label=\"a\"];\n  n1 [label=\"b\"];\n  \
               n2 [label=\"file\", style=dashed];\n  n0 -> n1;\n  n2 -> n1;\n}\n";
    let mermaid = "flowchart LR\n  n0[\"a\"]\n  n1[\"b\"]\n  n2[\"file\"]:::external\n  n0 --> n1\n  n2 --> n1\n  \
                   classDef external stroke-dasharray: 4\n";
    for lineage in [forward, backward] {
        assert_eq!(lineage.to_dot(), dot);
        assert_eq!(lineage.to_mermaid(), mermaid);
    }
    assert_eq!(Lineage::default().to_mermaid(), "flowchart LR\n");
}

#[test]
fn hostile_names_stay_inside_their_labels() {
    let name = "x\"];\nn9 [label=\"<b>%%{init: {}}%%`$]\\";
    let lineage = lineage(&[(name, &[])]);
    assert_eq!(lineage.to_dot().lines().count(), 5);
    assert!(lineage.to_dot().contains(r#"n0 [label="x\"];\\nn9 [label=\"<b>%%{init: {}}%%`$]\\"];"#));
    let mermaid = lineage.to_mermaid();
    assert_eq!(mermaid.lines().count(), 2);
    let label = mermaid.split('"').nth(1).unwrap();
    assert!(label.starts_with("x#34;#93;#59;#92;nn9 #91;label#61;#34;#60;b#62;#37;#37;#123;init"));
    assert_eq!(mermaid.matches('"').count(), 2);
}
