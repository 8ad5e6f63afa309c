//! The matrix of a case: its rows, and the values of the columns in each.

use super::raw::{Fields, text};
use super::yaml::{Node, Place, Report, Text};
use std::collections::{BTreeMap, BTreeSet};

/// More rows than this are refused.
const MAX_ROWS: usize = 10_000;
/// The longest text with its names filled in, in octets: columns that use each other may double in length each time.
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

/// The value of a column in one row.
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
    /// Whether the run's name says which entry the row has.
    named: bool,
}

/// All rows; one without columns if there is no matrix. `None` if the matrix has a mistake.
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

/// Fills in the columns that the values of other columns use. The error names a column and says what is wrong.
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

/// Whether a column or a measured value may have this name.
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

#[cfg(test)]
mod tests {
    use super::super::trial::{around, read_case, refuses, scripts, texts};

    /// A case with a matrix of these lines.
    fn with_matrix(matrix: &str, steps: &str) -> String {
        around(steps).replace("steps:", &format!("matrix:\n{matrix}steps:"))
    }

    fn rows(matrix: &str, steps: &str) -> Vec<String> {
        let scripts = scripts(&with_matrix(matrix, steps));
        scripts
            .iter()
            .map(|script| format!("{}: {}", script.row, texts(script)[0]))
            .collect()
    }

    fn refuses_matrix(matrix: &str, message: &str, help: &str) {
        refuses(&with_matrix(matrix, "  - expect: ACK seq=$a\n"), message, help);
    }

    #[test]
    fn a_map_of_columns_is_their_product_and_the_last_runs_fastest() {
        let found = rows("  a: [1, 2]\n  b: {u: 3, v: 4}\n", "  - expect: ACK seq=$a ack=$b\n");
        let expected = [
            "a=1,b=u: expect: ACK seq=1 ack=3",
            "a=1,b=v: expect: ACK seq=1 ack=4",
            "a=2,b=u: expect: ACK seq=2 ack=3",
            "a=2,b=v: expect: ACK seq=2 ack=4",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_list_of_maps_is_the_union_of_their_products() {
        let matrix = "  - {name: one, a: 1}\n  - {name: two, a: [2, 3]}\n";
        let found = rows(matrix, "  - expect: ACK seq=$a\n");
        let expected = [
            "one: expect: ACK seq=1",
            "two,a=2: expect: ACK seq=2",
            "two,a=3: expect: ACK seq=3",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn labels_and_columns_are_replaced_in_cells_too() {
        let matrix = "  a: {low: 1, high: 2}\n  b: $a+10\n  c: $a.name\n";
        let found = rows(matrix, "  - inject: ACK ack=$b \"$c $a.name\"\n  - expect: ACK\n");
        let expected = [
            "a=low: inject: ACK ack=1+10 \"low low\"",
            "a=high: inject: ACK ack=2+10 \"high high\"",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_name_may_use_columns() {
        let found = rows(
            "  - {name: is-$a, a: 1}\n  - {name: is-$a, a: 2}\n",
            "  - expect: ACK seq=$a\n",
        );
        assert_eq!(found, ["is-1: expect: ACK seq=1", "is-2: expect: ACK seq=2"]);
    }

    #[test]
    fn what_was_measured_is_left_to_the_run() {
        let steps = "  - expect: ACK\n    measure: {gap: win}\n  - inject: ACK seq=$a\n";
        let scripts = scripts(&with_matrix("  a: [$gap]\n", steps).replace("[$gap]", "{later: $gap}"));
        assert_eq!(texts(&scripts[0])[1], "inject: ACK seq=$gap");
    }

    #[test]
    fn a_step_is_kept_by_value_or_label_and_in_all_rows_without_where() {
        let steps = "  - expect: ACK seq=1\n    where: {a: low}\n  - expect: ACK seq=2\n    where: {a: [2, 3]}\n  - state: established\n";
        let scripts = scripts(&with_matrix("  a: {low: 1, mid: 2, high: 3}\n", steps));
        let found: Vec<_> = scripts.iter().map(|script| texts(script)).collect();
        let expected = [
            ["expect: ACK seq=1", "state: established"],
            ["expect: ACK seq=2", "state: established"],
            ["expect: ACK seq=2", "state: established"],
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn blocks_with_different_columns_are_refused() {
        let matrix = "  - {name: x, a: 1}\n  - «{name: z, a: 1, b: 2}»\n";
        refuses(
            &with_matrix(matrix, "  - expect: ACK seq=$a ack=$b\n").replace("$b", "1"),
            "column `b` is not in the first block",
            "same columns",
        );
        let matrix = "  - {name: x, a: 1, b: 2}\n  - «{name: z, a: 1}»\n";
        refuses(
            &with_matrix(matrix, "  - expect: ACK seq=$a ack=$b\n"),
            "column `b` is missing here",
            "same columns",
        );
    }

    #[test]
    fn equal_names_of_rows_are_refused() {
        refuses_matrix(
            "  «- {name: x, a: 1}\n  - {name: x, a: 2}»\n",
            "two rows are called `x`",
            "`name`",
        );
        refuses_matrix("  - a: 1\n  - a: 2\n", "two rows without a name", "`name`");
    }

    #[test]
    fn a_value_that_cannot_name_its_row_is_refused() {
        refuses_matrix(
            "  «a: [\"SYN,ACK <mss>\"]»\n",
            "cannot be a row's name",
            "label the value",
        );
    }

    #[test]
    fn circles_and_doublings_are_refused() {
        refuses_matrix("  «a: $b\n  b: $a»\n", "refers to itself in a circle", "look at column");
        let doubling: String = (0..25)
            .map(|n| format!("  c{n}: $c{0}$c{0}\n", n + 1))
            .collect::<String>()
            + "  c25: xxxxxxxx\n  a: $c0\n";
        refuses_matrix(&doubling, "is longer than", "look at column");
        let chain: String =
            (0..40).map(|n| format!("  c{n}: $c{}\n", n + 1)).collect::<String>() + "  c40: 1\n  a: $c0\n";
        refuses_matrix(&chain, "in a chain", "look at column");
    }

    #[test]
    fn more_rows_than_anybody_reads_are_refused_at_once() {
        let values: Vec<String> = (0..50).map(|n| n.to_string()).collect();
        let matrix: String = ["a", "b", "c", "d", "e"]
            .iter()
            .map(|column| format!("  {column}: [{}]\n", values.join(", ")))
            .collect();
        let steps = "  - expect: ACK seq=$a+$b+$c+$d+$e\n";
        refuses(&with_matrix(&matrix, steps), "more than 10000 rows", "split");
    }

    #[test]
    fn a_column_that_is_never_used_is_refused() {
        refuses_matrix("  a: 1\n  «bee»: 2\n", "column `bee` is never used", "write `$bee`");
        refuses_matrix("  a: 1\n  «b»: $a\n", "column `b` is never used", "write `$b`");
    }

    #[test]
    fn odd_columns_are_refused() {
        refuses_matrix("  a: 1\n  «i»: 2\n", "`i`", "");
        refuses_matrix("  a: 1\n  «B»: 2\n", "`B`", "");
        refuses_matrix("  a: «[]»\n", "column `a` has no values", "give it one");
        refuses_matrix("  a: [«[1]»]\n", "a value of the matrix is a text", "one line");
        refuses_matrix("  «[]»\n", "a matrix without rows", "take it out");
    }

    #[test]
    fn a_where_must_name_a_column_and_a_value_that_there_is() {
        let where_of = |what: &str| {
            with_matrix(
                "  a: {low: 1, high: 2}\n",
                &format!("  - expect: ACK seq=$a\n    where: {what}\n  - state: established\n"),
            )
        };
        refuses(
            &where_of("{«b»: low}"),
            "`b` is not in the matrix",
            "`where` names columns",
        );
        refuses(&where_of("{a: «lwo»}"), "`a` is never `lwo`", "did you mean `low`?");
        refuses(
            &where_of("{a: [low, «sausage»]}"),
            "`a` is never `sausage`",
            "`high`, `low`",
        );
    }

    #[test]
    fn a_step_in_no_row_is_refused() {
        let matrix = "  - {name: x, a: 1, b: 1}\n  - {name: z, a: 2, b: 2}\n";
        let steps = "  - «expect»: ACK\n    where: {a: 1, b: 2}\n  - expect: ACK seq=$a ack=$b\n";
        refuses(&with_matrix(matrix, steps), "this step is in no row", "no row has all");
    }

    #[test]
    fn a_mistake_in_a_value_points_at_the_step_and_names_the_row() {
        let text = with_matrix("  a: {good: 1, bad: SYM}\n", "  - expect: «ACK seq=$a»\n");
        refuses(&text, "SYM", "");
        let (_, problems) = read_case(&text.replace(['«', '»'], ""));
        assert_eq!(
            problems[0].note.as_deref(),
            Some("in row `a=bad` it reads `ACK seq=SYM`")
        );
    }
}
