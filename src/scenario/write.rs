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
                text += &body;
            }
            // Nothing in a scenario is a kind of value that RON cannot write.
            Err(error) => text += &format!("// {error}"),
        }
        text.push('\n');
        text
    }
}
