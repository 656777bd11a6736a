//! What a program writes before the connection is open (RFC 9293, section 3.10.2).

use super::Opening;
use crate::error::Errno;
use crate::payload::Payload;
use crate::state::State;
use crate::tcb::SendFlags;

/// What a program has written before the connection is open.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) enum Writes {
    #[default]
    None,
    /// It waits with its data until the connection is open.
    Waiting,
    /// The data is queued.
    Queued(Vec<(Payload, SendFlags)>),
}

impl Opening {
    /// SEND (RFC 9293, section 3.10.2): the data is queued, as much as the send buffer takes. Linux makes the program wait.
    ///
    /// # Errors
    /// EAGAIN while the program has to wait; EPIPE after a close; what the open failed with.
    pub fn send(&mut self, data: Payload, flags: SendFlags) -> Result<u32, Errno> {
        if self.state == State::Closed {
            return Err(self.not_open());
        }
        if self.close_queued.is_some() {
            return Err(Errno::EPIPE);
        }
        if !self.queues_data() {
            self.writes = Writes::Waiting;
            return Err(Errno::EAGAIN);
        }
        let room = self.room().min(data.len().into()) as u32;
        if room == 0 && !data.is_empty() {
            return Err(Errno::EAGAIN);
        }
        let all = room == data.len();
        let flags = SendFlags { urgent: flags.urgent && all, more: flags.more && all, ..flags };
        if !matches!(self.writes, Writes::Queued(_)) {
            self.writes = Writes::Queued(Vec::new());
        }
        if let Writes::Queued(queue) = &mut self.writes {
            queue.push((data.slice(0, room), flags));
        }
        Ok(room)
    }
    /// Bytes that `send` would take now.
    pub fn writable(&self) -> u64 {
        let open = self.state != State::Closed && self.close_queued.is_none();
        if open && self.queues_data() { self.room() } else { 0 }
    }
    /// A buffer that counts memory is that of an open connection only.
    fn queues_data(&self) -> bool {
        self.config.queue_before_open && !self.config.truesize
    }
    fn room(&self) -> u64 {
        let queued: u64 = match &self.writes {
            Writes::Queued(queue) => queue.iter().map(|(data, _)| u64::from(data.len())).sum(),
            Writes::None | Writes::Waiting => 0,
        };
        u64::from(self.socket.snd_buf).saturating_sub(queued)
    }
}
