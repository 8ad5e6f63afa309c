//! The matrix: rows, and what their columns are worth.

use super::raw::{Fields, text};
use super::yaml::{Node, Place, Report, Text};
use std::collections::{BTreeMap, BTreeSet};

/// More rows than this are refused.
const MAX_ROWS: usize = 10_000;
/// A longer text is refused: values may double each other.
pub(super) const MAX_TEXT: usize = 1 << 14;

/// A longer chain of columns that refer to each other is refused.
const MAX_CHAIN: usize = 32;

/// One variation.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    /// As reports name it; empty without a matrix.
    pub(super) name: String,
    pub(super) cells: BTreeMap<String, Cell>,
}

/// What a column is worth in one row.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// `$col.name`; the value as written where there is no label.
    pub(super) label: String,
    /// As written.
    pub(super) written: String,
    /// With other columns filled in.
    pub(super) value: String,
}

/// One column of one block: label and value of each of its entries.
struct Axis {
    column: String,
    entries: Vec<(String, String)>,
    /// Whether the run's name tells which entry it is.
    named: bool,
}

/// All rows; one without columns if there is no matrix. `None` if they cannot be told.
pub(super) fn rows(matrix: Option<Node>, report: &mut Report) -> Option<Vec<Row>> {
    let Some(node) = matrix else {
        return Some(vec![Row::default()]);
    };
    let place = node.place().clone();
    if report.is_suspect(&place) {
        return None;
    }
    let blocks = match node {
        Node::List(items, _) => items,
        other => vec![other],
    };
    let mut rows = Vec::new();
    let mut columns: Option<BTreeSet<String>> = None;
    let mut complete = true;
    for block in blocks {
        let place = block.place().clone();
        let Some((name, axes)) = axes(block, report) else {
            complete = false;
            continue;
        };
        let own: BTreeSet<String> = axes.iter().map(|axis| axis.column.clone()).collect();
        let all = columns.get_or_insert_with(|| own.clone());
        if *all != own {
            report.add(
                &place,
                different_columns(all, &own),
                Some("every block has the same columns".into()),
            );
            complete = false;
        }
        let count = axes
            .iter()
            .fold(1, |n: usize, axis| n.saturating_mul(axis.entries.len()));
        if count > MAX_ROWS - rows.len().min(MAX_ROWS) {
            report.add(
                &place,
                format!("more than {MAX_ROWS} rows"),
                Some("split the case".into()),
            );
            return None;
        }
        complete &= product(name.as_ref(), &axes, &place, &mut rows, report);
    }
    if rows.is_empty() && complete {
        report.add(&place, "a matrix without rows", Some("take it out, or fill it".into()));
        return None;
    }
    complete
        .then_some(rows)
        .filter(|rows| names_differ(rows, &place, report))
}

fn different_columns(all: &BTreeSet<String>, own: &BTreeSet<String>) -> String {
    let missing = all
        .difference(own)
        .next()
        .map(|name| format!("column `{name}` is missing here"));
    missing.unwrap_or_else(|| {
        let extra = own.difference(all).next().map(String::as_str).unwrap_or_default();
        format!("column `{extra}` is not in the first block")
    })
}

/// The columns of one block, and the `name` that it gives its rows.
fn axes(block: Node, report: &mut Report) -> Option<(Option<Text>, Vec<Axis>)> {
    let mut complete = true;
    let mut fields = Fields::of(block, "a block of the matrix", report)?;
    let name = match fields.take("name") {
        None => None,
        Some(node) => Some(text(node, "a row's `name`", report)?),
    };
    let mut axes = Vec::new();
    for (key, node) in fields.into_pairs() {
        if !is_name(&key.text) || key.text == "i" {
            let help = match key.text.as_str() {
                "i" => "`$i` counts in a repeat: choose another name",
                _ => "a column's name is a lower-case letter, then letters, digits, `_`",
            };
            report.add(
                &key.place,
                format!("`{}` cannot be a column", key.text),
                Some(help.into()),
            );
            complete = false;
            continue;
        }
        match axis(key.text, node, report) {
            Some(axis) => axes.push(axis),
            None => complete = false,
        }
    }
    complete.then_some((name, axes))
}

fn axis(column: String, node: Node, report: &mut Report) -> Option<Axis> {
    let place = node.place().clone();
    let (entries, named) = match node {
        Node::Text(text) => (vec![(text.text.clone(), text.text)], false),
        Node::List(items, _) => {
            let texts = items.into_iter().map(|item| {
                let text = text(item, "a value of the matrix", report)?.text;
                Some((text.clone(), text))
            });
            (texts.collect::<Option<Vec<_>>>()?, true)
        }
        Node::Map(pairs, _) => {
            let texts = pairs
                .into_iter()
                .map(|(label, item)| Some((label.text, text(item, "a value of the matrix", report)?.text)));
            (texts.collect::<Option<Vec<_>>>()?, true)
        }
    };
    if entries.is_empty() {
        report.add(
            &place,
            format!("column `{column}` has no values"),
            Some("give it one".into()),
        );
        return None;
    }
    Some(Axis { column, entries, named })
}

/// Adds one row for each combination; the last column runs fastest.
fn product(name: Option<&Text>, axes: &[Axis], place: &Place, rows: &mut Vec<Row>, report: &mut Report) -> bool {
    let mut chosen = vec![0; axes.len()];
    loop {
        let mut row = Row::default();
        if let Some(name) = name {
            row.cells.insert("name".into(), Cell::plain(&name.text));
        }
        for (axis, &at) in axes.iter().zip(&chosen) {
            let (label, value) = &axis.entries[at];
            let mut cell = Cell::plain(value);
            cell.label.clone_from(label);
            row.cells.insert(axis.column.clone(), cell);
        }
        if let Err((column, message)) = fill_in(&mut row) {
            let help = format!("look at column `{column}`");
            report.add(place, message, Some(help));
            return false;
        }
        row.name = row_name(&row, axes, &chosen);
        if !row
            .name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._*+=,-".contains(c))
        {
            let help = "label the value: `{label: value}` instead of a list";
            report.add(
                place,
                format!("`{}` cannot be a row's name", row.name),
                Some(help.into()),
            );
            return false;
        }
        rows.push(row);
        let next = (0..axes.len())
            .rev()
            .find(|&at| chosen[at] + 1 < axes[at].entries.len());
        let Some(next) = next else {
            return true;
        };
        chosen[next] += 1;
        chosen[next + 1..].fill(0);
    }
}

fn row_name(row: &Row, axes: &[Axis], chosen: &[usize]) -> String {
    let name = row.cells.get("name").map(|cell| cell.value.clone());
    let parts = axes
        .iter()
        .zip(chosen)
        .filter(|(axis, _)| axis.named)
        .map(|(axis, &at)| format!("{}={}", axis.column, axis.entries[at].0));
    name.into_iter().chain(parts).collect::<Vec<_>>().join(",")
}

fn names_differ(rows: &[Row], place: &Place, report: &mut Report) -> bool {
    let mut seen = BTreeSet::new();
    for row in rows {
        if !seen.insert(&row.name) {
            let message = match row.name.as_str() {
                "" => "two rows without a name".to_string(),
                name => format!("two rows are called `{name}`"),
            };
            report.add(place, message, Some("give each block a `name`".into()));
            return false;
        }
    }
    true
}

impl Cell {
    pub(super) fn plain(text: &str) -> Cell {
        Cell {
            label: text.to_string(),
            written: text.to_string(),
            value: text.to_string(),
        }
    }
}

/// Fills columns into columns. The error names a column and says what is wrong.
fn fill_in(row: &mut Row) -> Result<(), (String, String)> {
    if row.cells.values().all(|cell| !cell.written.contains('$')) {
        return Ok(());
    }
    let mut done = BTreeMap::new();
    let columns: Vec<String> = row.cells.keys().cloned().collect();
    for column in &columns {
        resolve(row, column, &mut Vec::new(), &mut done)?;
    }
    for (column, value) in done {
        if let Some(cell) = row.cells.get_mut(&column) {
            cell.value = value;
        }
    }
    Ok(())
}

fn resolve(
    row: &Row,
    column: &str,
    under_way: &mut Vec<String>,
    done: &mut BTreeMap<String, String>,
) -> Result<String, (String, String)> {
    if let Some(value) = done.get(column) {
        return Ok(value.clone());
    }
    if under_way.iter().any(|name| name == column) {
        let message = format!("`${column}` refers to itself in a circle");
        return Err((column.to_string(), message));
    }
    if under_way.len() == MAX_CHAIN {
        let message = format!("more than {MAX_CHAIN} columns refer to each other in a chain");
        return Err((column.to_string(), message));
    }
    under_way.push(column.to_string());
    let written = row
        .cells
        .get(column)
        .map(|cell| cell.written.as_str())
        .unwrap_or_default();
    let mut value = String::new();
    for part in parts(written) {
        match part {
            Part::Plain(text) => value.push_str(text),
            Part::Name { name, label, whole } => match row.cells.get(name) {
                Some(cell) if label => value.push_str(&cell.label),
                Some(_) => value.push_str(&resolve(row, name, under_way, done)?),
                None => value.push_str(whole),
            },
        }
        if value.len() > MAX_TEXT {
            return Err((
                column.to_string(),
                format!("`${column}` is longer than {MAX_TEXT} octets"),
            ));
        }
    }
    under_way.pop();
    done.insert(column.to_string(), value.clone());
    Ok(value)
}

/// A piece of a text in which names may stand.
pub(super) enum Part<'t> {
    Plain(&'t str),
    Name {
        name: &'t str,
        /// `$name.name`
        label: bool,
        whole: &'t str,
    },
}

/// Whether columns, measures and the like may be called so.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(in_name)
}

fn in_name(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'
}

/// Cuts a text at its names.
pub(super) fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut plain = 0;
    let mut from = 0;
    while let Some(at) = text[from..].find('$').map(|at| from + at) {
        let rest = &text[at + 1..];
        let length = rest.find(|c| !in_name(c)).unwrap_or(rest.len());
        let name = &rest[..length];
        if !is_name(name) {
            from = at + 1;
            continue;
        }
        let behind = &rest[length..];
        let label = behind
            .strip_prefix(".name")
            .is_some_and(|after| !after.starts_with(in_name));
        let end = at + 1 + length + if label { ".name".len() } else { 0 };
        if plain < at {
            parts.push(Part::Plain(&text[plain..at]));
        }
        let whole = &text[at..end];
        parts.push(Part::Name { name, label, whole });
        plain = end;
        from = end;
    }
    if plain < text.len() {
        parts.push(Part::Plain(&text[plain..]));
    }
    parts
}
