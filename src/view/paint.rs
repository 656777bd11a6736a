//! Colours: always written, and taken out again by the stream where nobody can see them.

use std::fmt;

use anstyle::{AnsiColor, Color, Style};

/// What explains rather than tells.
pub const DIM: Style = Style::new().dimmed();
/// What matters most on its line.
pub const BOLD: Style = Style::new().bold();
/// Losses, resets, failures.
pub const RED: Style = fg(AnsiColor::Red);
/// Openings, success.
pub const GREEN: Style = fg(AnsiColor::Green);
/// Faults, changes made by the network.
pub const YELLOW: Style = fg(AnsiColor::Yellow);
/// Closings.
pub const MAGENTA: Style = fg(AnsiColor::Magenta);
/// Programs.
pub const ITALIC: Style = Style::new().italic();
/// No colour.
pub const PLAIN: Style = Style::new();

/// One colour for each host, in turn.
const HOSTS: [Style; 4] = [
    fg(AnsiColor::Cyan),
    fg(AnsiColor::BrightYellow),
    fg(AnsiColor::BrightBlue),
    fg(AnsiColor::BrightMagenta),
];

const fn fg(color: AnsiColor) -> Style {
    Style::new().fg_color(Some(Color::Ansi(color)))
}

/// The colour of the host with this number.
pub fn host(id: sim::NodeId) -> Style {
    HOSTS[id.0 as usize % HOSTS.len()]
}

/// Something in a colour.
pub struct Painted<T> {
    style: Style,
    what: T,
}

/// `what` in a colour; widths are those of `what` alone.
pub fn paint<T>(style: Style, what: T) -> Painted<T> {
    Painted { style, what }
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.style.render())?;
        self.what.fmt(f)?;
        write!(f, "{}", self.style.render_reset())
    }
}
