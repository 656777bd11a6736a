//! Ctrl-C: the first ends what goes on for long in good order, the second ends the command.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Color, screen};

/// The status of what Ctrl-C has ended, as shells have it: 128 and the number of the signal.
const ENDED: i32 = 130;

/// Listens for Ctrl-C from here on. Becomes true with the first, and `text` is told.
pub(super) fn heard(color: Color, text: &'static str) -> Arc<AtomicBool> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&interrupted);
    let listens = ctrlc::set_handler(move || {
        if set.swap(true, Ordering::Relaxed) {
            std::process::exit(ENDED);
        }
        screen::note(color, text);
    });
    // Where nobody can listen Ctrl-C ends the command at once, as it always does.
    drop(listens);
    interrupted
}
