//! What laws spare, each exception with its reason: what is right is not accused, and the nearest mistake is.

mod answers;
mod bounds;
mod closing;
mod conservation;
mod ends;
mod late;
mod liveness;
mod memory;
mod rtt;
mod timers;
