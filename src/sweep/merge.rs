//! Joins the parts of a sweep that were run apart.

use std::collections::BTreeMap;

use super::store::{Header, Results};

/// The whole of these parts; each has the name of its file.
///
/// # Errors
/// In a line for people: parts of different sweeps, of different splits, overlapping, unfinished or missing.
pub fn merge(parts: &[(String, Results)]) -> Result<Results, String> {
    let Some((first_name, first)) = parts.first() else { return Err("there is nothing to join".to_owned()) };
    let mut seen: BTreeMap<u64, &str> = BTreeMap::new();
    let mut lines = BTreeMap::new();
    for (name, results) in parts {
        same_sweep((first_name.as_str(), &first.header), (name.as_str(), &results.header))?;
        let Some((part, parts)) = results.header.shard else {
            return Err(match parts {
                [_] => format!("{name} is the whole of its sweep: there is nothing to join"),
                _ => format!("{name} is the whole of its sweep, not a shard: it overlaps with the others"),
            });
        };
        let (_, parts_of_first) = first.header.shard.unwrap_or((1, 1));
        if parts != parts_of_first {
            return Err(format!(
                "{first_name} is one of {parts_of_first} shards, and {name} one of {parts}: they overlap"
            ));
        }
        if let Some(other) = seen.insert(part, name) {
            return Err(format!("{other} and {name} overlap: both are shard {part}/{parts}"));
        }
        match results.missing() {
            0 => {}
            missing => {
                return Err(format!(
                    "{name} is not finished: {missing} of its {} runs are missing; go on with `timewait sweep ... \
                     --shard {part}/{parts} --output {name}`",
                    missing + results.lines.len() as u64
                ));
            }
        }
        lines.extend(results.lines.iter().map(|(run, line)| (*run, line.clone())));
    }
    let all = first.header.shard.map_or(1, |(_, parts)| parts);
    let missing: Vec<String> = (1..=all)
        .filter(|part| !seen.contains_key(part))
        .filter(|part| *part <= first.header.runs)
        .map(|part| format!("{part}/{all}"))
        .take(20)
        .collect();
    if !missing.is_empty() {
        let which = if missing.len() == 1 { "shard" } else { "shards" };
        return Err(format!(
            "{which} {} {} missing",
            missing.join(", "),
            if missing.len() == 1 { "is" } else { "are" }
        ));
    }
    let header = Header { shard: None, ..first.header.clone() };
    Ok(Results { header, lines, whole: 0, sorted: true })
}

/// Whether two parts are of one sweep; what differs, if they are not.
fn same_sweep((one, a): (&str, &Header), (other, b): (&str, &Header)) -> Result<(), String> {
    if a.sweep == b.sweep && a.runs == b.runs && a.axes == b.axes && a.figures == b.figures {
        return Ok(());
    }
    Err(format!("{one} and {other} are not of one sweep: {}", difference(a, b)))
}

/// What makes two sweeps different, in words.
pub fn difference(a: &Header, b: &Header) -> String {
    let names = |header: &Header| {
        let names: Vec<String> = header.axes.iter().map(|axis| format!("`{}`", axis.name)).collect();
        if names.is_empty() { "no axes".to_owned() } else { names.join(", ") }
    };
    if a.version != b.version {
        return format!("versions {} and {}", a.version, b.version);
    }
    if names(a) != names(b) {
        return format!("one varies {}, the other {}", names(a), names(b));
    }
    if let Some((x, _)) = a.axes.iter().zip(&b.axes).find(|(x, y)| x != y) {
        return format!("their values of `{}` differ", x.name);
    }
    if a.seeds != b.seeds {
        return format!("{} and {} seeds", a.seeds, b.seeds);
    }
    if a.cells != b.cells {
        return format!("{} and {} combinations", a.cells, b.cells);
    }
    if a.figures != b.figures {
        return "they keep other figures".to_owned();
    }
    "the scenario, or the seeds, are others".to_owned()
}
