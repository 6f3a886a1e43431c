//! Lineage: which items were made from which.
//!
//! A [`Lineage`] is a plain value built from names and their inputs. Inputs are names, not versions, and need not
//! exist: an input that is no item is an *external* node. Catalogues written elsewhere may hold cycles, so every answer
//! is given for those too; nothing here recurses, however long the chain.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use datafolio_core::ErrorCategory;

use crate::text::printable;

/// Names of a cycle that an error message shows.
const NAMES_SHOWN: usize = 12;

/// Why a lineage cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineageError {
    /// Items that are made from themselves, directly or through others.
    #[error("lineage has a cycle: {}", describe_cycle(.path))]
    Cycle {
        /// The items, each made from the next one; the last one is made from the first.
        path: Vec<String>,
    },
}

impl LineageError {
    /// What a caller can do about it.
    pub fn category(&self) -> ErrorCategory {
        match self {
            Self::Cycle { .. } => ErrorCategory::WrongState,
        }
    }

    /// A stable kebab-case code, one for each kind.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Cycle { .. } => "lineage-cycle",
        }
    }
}

/// `a <- b <- a`, long ones cut.
pub(crate) fn describe_cycle<S: AsRef<str>>(path: &[S]) -> String {
    let mut shown: Vec<String> = path.iter().take(NAMES_SHOWN).map(|name| printable(name.as_ref())).collect();
    if path.len() > NAMES_SHOWN {
        shown.push(format!("({} more)", path.len() - NAMES_SHOWN));
    }
    shown.extend(path.first().map(|name| printable(name.as_ref())));
    shown.join(" <- ")
}

#[derive(Debug, Clone)]
struct Node {
    name: String,
    is_item: bool,
    /// What this was made from, in the order of the record, each once.
    inputs: Vec<usize>,
    /// What was made from this, in the order of the items.
    dependents: Vec<usize>,
}

/// The graph of items and their inputs.
#[derive(Debug, Clone, Default)]
pub struct Lineage {
    nodes: Vec<Node>,
    by_name: HashMap<String, usize>,
    /// Groups of nodes that reach each other, in topological order: inputs before what is made from them. Without a
    /// cycle each group is one node.
    groups: Vec<Vec<usize>>,
    /// Position of each node in the groups read in order.
    rank: Vec<usize>,
}

impl Lineage {
    /// Builds the graph from items in their order, each with the names of its inputs. A repeated input counts once; the
    /// inputs of a repeated name are joined.
    pub fn new<N, I>(items: impl IntoIterator<Item = (N, I)>) -> Self
    where
        N: Into<String>,
        I: IntoIterator<Item: Into<String>>,
    {
        let mut lineage = Self::default();
        // All items come before the first external node, so that node order is item order.
        let mut records = Vec::new();
        for (name, inputs) in items {
            let item = lineage.intern(name.into());
            lineage.nodes[item].is_item = true;
            records.push((item, inputs));
        }
        let edges = records.into_iter().flat_map(|(item, inputs)| inputs.into_iter().map(move |input| (item, input)));
        let mut seen = HashSet::new();
        for (item, input) in edges {
            let input = lineage.intern(input.into());
            if seen.insert((item, input)) {
                lineage.nodes[item].inputs.push(input);
                lineage.nodes[input].dependents.push(item);
            }
        }
        lineage.groups = lineage.sorted_groups();
        lineage.rank = vec![0; lineage.nodes.len()];
        for (rank, &node) in lineage.groups.iter().flatten().enumerate() {
            lineage.rank[node] = rank;
        }
        lineage
    }

    fn intern(&mut self, name: String) -> usize {
        if let Some(&node) = self.by_name.get(&name) {
            return node;
        }
        let node = self.nodes.len();
        self.by_name.insert(name.clone(), node);
        self.nodes.push(Node { name, is_item: false, inputs: Vec::new(), dependents: Vec::new() });
        node
    }

    /// Whether there is an item of that name.
    pub fn is_item(&self, name: &str) -> bool {
        self.by_name.get(name).is_some_and(|&node| self.nodes[node].is_item)
    }

    /// Whether that name is an input of some item and no item itself.
    pub fn is_external(&self, name: &str) -> bool {
        self.by_name.get(name).is_some_and(|&node| !self.nodes[node].is_item)
    }

    /// The names that are inputs and no items, in alphabetical order.
    pub fn externals(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.nodes.iter().filter(|node| !node.is_item).map(|node| node.name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// What an item was made from, in the order of its record. `None` when the graph has no such name.
    pub fn inputs(&self, name: &str) -> Option<Vec<&str>> {
        let &node = self.by_name.get(name)?;
        Some(self.names(&self.nodes[node].inputs))
    }

    /// What was made directly from a name, in the order of the items. `None` when the graph has no such name.
    pub fn dependents(&self, name: &str) -> Option<Vec<&str>> {
        let &node = self.by_name.get(name)?;
        Some(self.names(&self.nodes[node].dependents))
    }

    /// Everything that an item was made from, directly or through others, external names included and the item itself
    /// not; inputs come before what is made from them. `None` when the graph has no such name.
    pub fn upstream(&self, name: &str) -> Option<Vec<&str>> {
        self.closure(name, |node| &node.inputs)
    }

    /// Everything that was made from a name, directly or through others, the name itself not included; inputs come
    /// before what is made from them, which is the order to remake them in. `None` when the graph has no such name.
    pub fn downstream(&self, name: &str) -> Option<Vec<&str>> {
        self.closure(name, |node| &node.dependents)
    }

    fn closure(&self, name: &str, next: impl Fn(&Node) -> &Vec<usize>) -> Option<Vec<&str>> {
        let &start = self.by_name.get(name)?;
        let mut reached = vec![false; self.nodes.len()];
        reached[start] = true;
        let mut found = Vec::new();
        let mut waiting = vec![start];
        while let Some(node) = waiting.pop() {
            for &neighbour in next(&self.nodes[node]) {
                if !reached[neighbour] {
                    reached[neighbour] = true;
                    found.push(neighbour);
                    waiting.push(neighbour);
                }
            }
        }
        found.sort_unstable_by_key(|&node| self.rank[node]);
        Some(self.names(&found))
    }

    /// All names, external ones included, inputs before what is made from them (as far as cycles allow).
    pub fn topological_order(&self) -> Vec<&str> {
        self.groups.iter().flatten().map(|&node| self.nodes[node].name.as_str()).collect()
    }

    /// Each item with its inputs, in the order of the items.
    pub fn items(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        self.nodes.iter().filter(|node| node.is_item).map(|node| (node.name.as_str(), self.names(&node.inputs)))
    }

    /// Each item with its inputs, by name.
    pub fn graph(&self) -> BTreeMap<&str, Vec<&str>> {
        self.items().collect()
    }

    /// One shortest cycle from every group of items that are made from each other, as paths in which each name is made
    /// from the next and the last from the first. Empty when there is none.
    pub fn cycles(&self) -> Vec<Vec<&str>> {
        self.groups.iter().filter_map(|group| self.cycle_in(group)).map(|path| self.names(&path)).collect()
    }

    /// A shortest way on which an item is made from itself, each name made from the next and the last from the first; `None`
    /// when it is not.
    pub fn cycle_through(&self, name: &str) -> Option<Vec<&str>> {
        let &start = self.by_name.get(name)?;
        let group = self.groups.iter().find(|group| group.contains(&start))?;
        Some(self.names(&self.cycle_from(start, group)?))
    }

    /// Checks that no item is made from itself, directly or through others.
    ///
    /// # Errors
    /// [`LineageError::Cycle`] with the path of one cycle.
    pub fn check_acyclic(&self) -> Result<(), LineageError> {
        match self.groups.iter().find_map(|group| self.cycle_in(group)) {
            None => Ok(()),
            Some(path) => Err(LineageError::Cycle { path: self.names(&path).into_iter().map(str::to_owned).collect() }),
        }
    }

    /// A shortest cycle through the alphabetically first member of a group, by breadth-first search along inputs.
    fn cycle_in(&self, group: &[usize]) -> Option<Vec<usize>> {
        let &start = group.iter().min_by_key(|&&node| &self.nodes[node].name)?;
        self.cycle_from(start, group)
    }

    /// A shortest cycle through a member of a group.
    fn cycle_from(&self, start: usize, group: &[usize]) -> Option<Vec<usize>> {
        if group.len() == 1 && !self.nodes[start].inputs.contains(&start) {
            return None;
        }
        let members: HashSet<usize> = group.iter().copied().collect();
        let mut came_from: HashMap<usize, usize> = HashMap::new();
        let mut waiting = VecDeque::from([start]);
        while let Some(node) = waiting.pop_front() {
            for &input in &self.nodes[node].inputs {
                if input == start {
                    let mut path = vec![node];
                    while let Some(&previous) = path.last().and_then(|last| came_from.get(last)) {
                        path.push(previous);
                    }
                    path.reverse();
                    return Some(path);
                }
                if members.contains(&input) && !came_from.contains_key(&input) {
                    came_from.insert(input, node);
                    waiting.push_back(input);
                }
            }
        }
        None
    }

    fn names(&self, nodes: &[usize]) -> Vec<&str> {
        nodes.iter().map(|&node| self.nodes[node].name.as_str()).collect()
    }

    /// Tarjan's algorithm with a stack of its own: strongly connected groups, each after all that it has edges to. As
    /// edges lead to inputs, that is topological order.
    fn sorted_groups(&self) -> Vec<Vec<usize>> {
        const UNSEEN: usize = usize::MAX;
        let count = self.nodes.len();
        let mut seen_at = vec![UNSEEN; count];
        let mut reaches = vec![0; count];
        let mut open = vec![false; count];
        let mut path: Vec<usize> = Vec::new();
        let mut groups = Vec::new();
        let mut clock = 0;
        for root in 0..count {
            if seen_at[root] != UNSEEN {
                continue;
            }
            // Each frame is a node and how many of its inputs have been looked at.
            let mut frames = vec![(root, 0)];
            while let Some((node, looked)) = frames.pop() {
                if looked == 0 {
                    seen_at[node] = clock;
                    reaches[node] = clock;
                    clock += 1;
                    open[node] = true;
                    path.push(node);
                } else {
                    // Back from the input before this one.
                    let input = self.nodes[node].inputs[looked - 1];
                    if open[input] {
                        reaches[node] = reaches[node].min(reaches[input]);
                    }
                }
                if let Some(&input) = self.nodes[node].inputs.get(looked) {
                    frames.push((node, looked + 1));
                    if seen_at[input] == UNSEEN {
                        frames.push((input, 0));
                    }
                } else if reaches[node] == seen_at[node] {
                    let mut group = Vec::new();
                    while let Some(member) = path.pop() {
                        open[member] = false;
                        group.push(member);
                        if member == node {
                            break;
                        }
                    }
                    // Without an order among themselves, members of a cycle keep the order they came in.
                    group.sort_unstable();
                    groups.push(group);
                }
            }
        }
        groups
    }

    /// The graph in Graphviz's language, by name; external nodes are dashed, edges lead from inputs to what is made.
    pub fn to_dot(&self) -> String {
        let mut out = String::from("digraph lineage {\n  rankdir=LR;\n  node [shape=box];\n");
        let order = self.alphabetical();
        for (id, &node) in order.iter().enumerate() {
            let style = if self.nodes[node].is_item { "" } else { ", style=dashed" };
            out.push_str(&format!("  n{id} [label=\"{}\"{style}];\n", dot_label(&self.nodes[node].name)));
        }
        for (from, to) in self.sorted_edges(&order) {
            out.push_str(&format!("  n{from} -> n{to};\n"));
        }
        out.push_str("}\n");
        out
    }

    /// The graph as a Mermaid flowchart, by name; external nodes are dashed, edges lead from inputs to what is made.
    pub fn to_mermaid(&self) -> String {
        let mut out = String::from("flowchart LR\n");
        let order = self.alphabetical();
        for (id, &node) in order.iter().enumerate() {
            let class = if self.nodes[node].is_item { "" } else { ":::external" };
            out.push_str(&format!("  n{id}[\"{}\"]{class}\n", mermaid_label(&self.nodes[node].name)));
        }
        for (from, to) in self.sorted_edges(&order) {
            out.push_str(&format!("  n{from} --> n{to}\n"));
        }
        if self.nodes.iter().any(|node| !node.is_item) {
            out.push_str("  classDef external stroke-dasharray: 4\n");
        }
        out
    }

    fn alphabetical(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.nodes.len()).collect();
        order.sort_unstable_by_key(|&node| &self.nodes[node].name);
        order
    }

    /// Edges from input to dependent, as positions in `order`.
    fn sorted_edges(&self, order: &[usize]) -> Vec<(usize, usize)> {
        let mut position = vec![0; order.len()];
        for (id, &node) in order.iter().enumerate() {
            position[node] = id;
        }
        let mut edges: Vec<(usize, usize)> = (self.nodes.iter().enumerate())
            .flat_map(|(node, record)| record.inputs.iter().map(move |&input| (input, node)))
            .map(|(input, node)| (position[input], position[node]))
            .collect();
        edges.sort_unstable();
        edges
    }
}

/// A name inside a quoted Graphviz string.
fn dot_label(name: &str) -> String {
    printable(name).replace('\\', "\\\\").replace('"', "\\\"")
}

/// A name inside a quoted Mermaid label. What is neither letter, digit nor harmless is written by its number: Mermaid
/// looks for Markdown, HTML, comments and directives even inside quotes.
fn mermaid_label(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in printable(name).chars() {
        if c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | '/') {
            out.push(c);
        } else {
            out.push_str(&format!("#{};", u32::from(c)));
        }
    }
    out
}

#[cfg(test)]
mod tests;
