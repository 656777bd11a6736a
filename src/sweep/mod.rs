//! Sweeps: one scenario run many times, with other values and other seeds, and what comes of it.
//!
//! [`mod@file`] is what is typed, [`plan`] what it means: which runs there are, in which order. [`play`] makes one run a
//! [`Row`](store::Row); [`store`] keeps rows in a file that can be cut off anywhere; [`work`] runs what is missing on
//! all cores; [`merge`] joins the files of several machines; [`summary`] makes means and confidence intervals of them.

pub mod columns;
pub mod file;
pub mod merge;
pub mod plan;
pub mod play;
pub mod range;
pub mod stats;
pub mod store;
pub mod summary;
pub mod table;
pub mod work;

pub use plan::Plan;

/// The documentation of sweep files, in Markdown: a table for each type.
pub fn documentation() -> String {
    let mut text = String::new();
    for described in [&file::Sweep::DESCRIBED, &file::Axis::DESCRIBED] {
        crate::scenario::schema::section(described, &mut text);
    }
    text
}

/// Whether a text is a sweep rather than a scenario: it begins with `Sweep(`.
pub fn is_sweep(text: &str) -> bool {
    let mut rest = text.trim_start();
    loop {
        rest = if let Some(comment) = rest.strip_prefix("//") {
            comment.split_once('\n').map_or("", |(_, next)| next)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, next)| next)
        } else {
            break;
        };
        rest = rest.trim_start();
    }
    rest.strip_prefix("Sweep").is_some_and(|rest| rest.trim_start().starts_with('('))
}

#[cfg(test)]
mod tests;
