//! Arrows with a label on them, by the column.

/// How an arrow runs within its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// From one side to the other.
    Whole,
    /// From the sender's side to the middle, and on further down.
    Departs,
    /// From the middle to the receiver's side.
    Arrives,
    /// From the sender's side to the middle, and no further.
    Lost,
}

/// An arrow of `width` columns that runs to the right, or to the left.
pub fn draw(shape: Shape, rightward: bool, label: &str, width: usize) -> String {
    // A half is longer where its label needs it.
    let half = (width / 2).max(label.chars().count() + 6).min(width.saturating_sub(1));
    let line = match shape {
        Shape::Whole => shaft(label, width, None, Some(if rightward { '>' } else { '<' }), rightward),
        Shape::Departs => {
            let turn = if rightward { '╮' } else { '╭' };
            beside(shaft(label, half, None, Some(turn), rightward), width, !rightward)
        }
        Shape::Arrives => {
            let (turn, head) = if rightward { ('╰', '>') } else { ('╯', '<') };
            beside(shaft(label, half, Some(turn), Some(head), rightward), width, rightward)
        }
        Shape::Lost => beside(shaft(label, half, None, Some('✗'), rightward), width, !rightward),
    };
    debug_assert_eq!(line.chars().count(), width, "an arrow fills its columns");
    line
}

/// A line with a label in its middle, `from` where it begins and `to` where it ends, as it runs.
fn shaft(label: &str, width: usize, from: Option<char>, to: Option<char>, rightward: bool) -> String {
    let ends = usize::from(from.is_some()) + usize::from(to.is_some());
    let inner = width.saturating_sub(ends);
    let label = cut(label, inner.saturating_sub(4));
    let taken = label.chars().count() + 2;
    let before = inner.saturating_sub(taken) / 2;
    let after = inner.saturating_sub(taken + before);
    let middle = format!("{} {label} {}", "─".repeat(before), "─".repeat(after));
    let (left, right) = if rightward { (from, to) } else { (to, from) };
    left.into_iter().chain(middle.chars()).chain(right).collect()
}

/// Puts a half arrow on its side of `width` columns.
fn beside(half: String, width: usize, on_right: bool) -> String {
    let space = " ".repeat(width.saturating_sub(half.chars().count()));
    if on_right { space + &half } else { half + &space }
}

/// `text`, cut to `width` columns.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}
