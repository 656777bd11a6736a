//! No congestion control: a constant window. For the classroom, and for what happens without.

use crate::resting::words::fold;

/// A constant window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fixed {
    /// The window, in segments.
    pub segments: u32,
}

fold!(Fixed { segments });

impl Fixed {
    /// The window, in bytes; one segment at least.
    pub fn window(self, mss: u64) -> u64 {
        u64::from(self.segments.max(1)) * mss
    }
}
