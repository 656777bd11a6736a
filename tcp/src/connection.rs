//! A synchronized connection: ESTABLISHED and later.

use crate::handshake::Handshake;
use crate::time::Time;

/// A synchronized connection.
#[derive(Clone)]
pub struct Connection {}

impl Connection {
    /// The connection that begins with this handshake, in ESTABLISHED. The segment that completed the handshake is
    /// given to [`Tcb::on_segment`](crate::Tcb::on_segment) next, for its text.
    pub fn new(now: Time, handshake: Handshake) -> Connection {
        let _ = (now, handshake);
        todo!()
    }
}
