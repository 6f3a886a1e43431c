//! A copy has the items that the copy of DataFolio 2.3 has.

use datafolio::{AddOptions, CopyOptions, DataFolio};
use serde_json::{Value, json};

use super::peer::{Peer, Release};
use crate::support::new_bundle;

/// An archived item was copied when it was named.
#[test]
fn a_copy_has_the_same_items_as_that_of_2_3() {
    let (dir, folio) = new_bundle();
    for (name, inputs) in [("raw", &[][..]), ("old", &["raw"]), ("made", &["old", "not_here"]), ("other", &[])] {
        folio.add(name, json!(name), AddOptions::new().inputs(inputs.iter().copied())).unwrap();
    }
    folio.archive(&["old"]).unwrap();
    let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
    let choices: [Option<&[&str]>; 6] =
        [None, Some(&[]), Some(&["old"]), Some(&["made"]), Some(&["old", "other"]), Some(&["made", "raw"])];
    let mut count = 0;
    for include in choices {
        for exclude in choices {
            for (follow_lineage, include_archived) in [(false, false), (false, true), (true, false), (true, true)] {
                count += 1;
                let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
                let options = CopyOptions {
                    include: include.map(owned),
                    exclude: exclude.map(owned),
                    follow_lineage,
                    include_archived,
                    ..Default::default()
                };
                let ours = folio.copy(dir.path().join(format!("ours{count}")), &options).ok();
                let named = |names: Option<&[&str]>| names.map_or("None".to_owned(), |names| json!(names).to_string());
                let python = |flag: bool| if flag { "True" } else { "False" };
                let place = dir.path().join(format!("theirs{count}"));
                let theirs = peer.run(&format!(
                    "sorted(folio.copy({place:?}, include_items={}, exclude_items={}, follow_lineage={}, \
                     include_archived={})._items)",
                    named(include),
                    named(exclude),
                    python(follow_lineage),
                    python(include_archived)
                ));
                let names = |copy: DataFolio| {
                    let mut names: Vec<String> = copy.catalogue().current.keys().map(ToString::to_string).collect();
                    names.sort();
                    Value::from(names)
                };
                assert_eq!(ours.map(names), theirs.ok(), "{options:?}");
            }
        }
    }
}
