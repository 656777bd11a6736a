//! Ctrl-C: the first ends a soak with its report, the second ends the command.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli::{Color, screen};

/// The status of what Ctrl-C has ended, as shells have it: 128 and the number of the signal.
const ENDED: i32 = 130;

/// Listens for Ctrl-C from here on. Becomes true with the first.
pub(super) fn heard(color: Color) -> Arc<AtomicBool> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&interrupted);
    let listens = ctrlc::set_handler(move || {
        if set.swap(true, Ordering::Relaxed) {
            std::process::exit(ENDED);
        }
        screen::note(color, "ending what runs; Ctrl-C once more ends without a report");
    });
    // Where nobody can listen Ctrl-C ends the command at once, as it always does.
    drop(listens);
    interrupted
}
