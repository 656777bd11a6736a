//! A scenario written back: what reads as the same scenario again, with nothing in it that is not needed.

use ron::ser::PrettyConfig;

use super::file::{Scenario, options};

impl Scenario {
    /// The text of a file with this scenario in it; `comment` stands above it.
    pub fn write(&self, comment: &str) -> String {
        let style = PrettyConfig::new().depth_limit(2).new_line("\n");
        let mut text: String =
            comment.lines().map(|line| format!("// {line}").trim_end().to_owned() + "\n").collect();
        match options().to_string_pretty(self, style) {
            Ok(body) => {
                text += "Scenario";
                text += &joined(&body.replace("\\'", "'"));
            }
            // Nothing in a scenario is a kind of value that RON cannot write.
            Err(error) => text += &format!("// {error}"),
        }
        text.push('\n');
        text
    }
}

/// Columns that a line may have.
const WIDTH: usize = 110;

/// Lists and tables that fit into a line stand in one.
fn joined(body: &str) -> String {
    let mut out = String::with_capacity(body.len());
    let mut lines = body.lines().peekable();
    while let Some(head) = lines.next() {
        let is_list = !head.starts_with("        ") && head.ends_with(['[', '{']);
        let mut items = Vec::new();
        while let Some(item) = lines.next_if(|line| is_list && line.starts_with("        ")) {
            items.push(item);
        }
        let end = if is_list { lines.next().unwrap_or_default() } else { "" };
        let space = if head.ends_with('{') { " " } else { "" };
        let inner: Vec<&str> = items.iter().map(|item| item.trim_start()).collect();
        let line =
            format!("{head}{space}{}{space}{}", inner.join(" ").trim_end_matches(','), end.trim_start());
        if is_list && line.chars().count() <= WIDTH {
            out += &line;
        } else {
            let all = std::iter::once(head).chain(items).chain(Some(end).filter(|_| is_list));
            out += &all.collect::<Vec<_>>().join("\n");
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_into_a_line_stands_in_one() {
        let body = "(\n    about: \"x [\",\n    hosts: {\n        \"a\": (),\n        \"b\": (),\n    },\n    links: [\n        (x),\n    ],\n)";
        let expected = "(\n    about: \"x [\",\n    hosts: { \"a\": (), \"b\": () },\n    links: [(x)],\n)";
        assert_eq!(joined(body), expected);
        let long = format!("(\n    links: [\n        ({}),\n        (y),\n    ],\n)", "x".repeat(100));
        assert_eq!(joined(&long), long);
    }
}
