//! ICMP errors (RFC 9293, section 3.9.2.2; RFC 5927).

use super::Connection;
use crate::cause::Rule;
use crate::out::{Note, Out};
use crate::seq::{Seq, SeqNum};
use crate::tcb::IcmpError;
use crate::time::Time;

impl Connection {
    /// An ICMP error arrived that quotes a segment of ours with sequence number `seq`.
    pub fn on_icmp(&mut self, now: Time, error: IcmpError, seq: SeqNum, out: &mut Out) {
        if self.is_over() {
            return;
        }
        let (una, nxt) = (self.snd.queue.una(), self.snd.queue.nxt());
        let quoted = Seq::near(una, seq);
        if self.is_pending() && quoted == self.snd.iss {
            return match error {
                IcmpError::TooBig(_) => {}
                IcmpError::Hard(errno) | IcmpError::Soft(errno) | IcmpError::Other(errno) => {
                    if self.is_unaccepted() {
                        self.fail(Rule::IcmpRefused, Some(errno), out);
                    } else {
                        self.note_soft(errno, out);
                    }
                }
            };
        }
        let behind = if self.config.icmp_exact { nxt } else { nxt + 1 };
        if quoted < una || quoted >= behind {
            // Whoever sent it has not seen what is in flight (RFC 5927, section 4.1).
            return out.notes.push(Note::Dropped(Rule::IcmpOutOfWindow));
        }
        match error {
            IcmpError::Hard(errno) if self.config.icmp_hard_errors => {
                self.fail(Rule::IcmpHard, Some(errno), out);
            }
            IcmpError::Hard(errno) | IcmpError::Other(errno) => self.note_soft(errno, out),
            IcmpError::Soft(errno) => {
                self.note_soft(errno, out);
                if self.config.icmp_undoes_backoff && quoted == una {
                    self.snd.queue.on_unreachable(now, &self.config);
                }
            }
            IcmpError::TooBig(mtu) => self.on_too_big(now, mtu, quoted, out),
        }
    }
    fn note_soft(&mut self, errno: crate::Errno, out: &mut Out) {
        self.soft_error = Some(errno);
        self.note(Rule::IcmpSoft, out);
    }
}
