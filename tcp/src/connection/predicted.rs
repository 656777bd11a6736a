//! Header prediction (Van Jacobson, "4BSD TCP Ethernet Throughput", 1988): in a transfer nearly every segment is new
//! data for an end that sends nothing itself, or an ACK for one that has data outstanding. Whether a segment
//! is one of these is asked once; none of the checks of SEGMENT ARRIVES would find anything then, so they are left
//! out. What such a segment does is done by the functions that do it for all. (Tests take both ways and compare.)

use super::Connection;
use super::arrives::Arrived;
use crate::accecn::Mode;
use crate::out::Out;
use crate::segment::Flags;
use crate::state::State;
use crate::time::Time;

impl Connection {
    /// Whether this segment is what a transfer brings all the time, and nothing is in use on this connection that would look
    /// closer at it.
    #[inline(always)]
    pub(super) fn predicts(&self, arrived: &Arrived<'_>) -> bool {
        let segment = arrived.segment;
        let (Some(ts), Some(stamp)) = (self.ts, segment.options.timestamps) else { return false };
        let (queue, nxt) = (&self.snd.queue, self.rcv.buffer.nxt());
        let una = queue.una();
        self.state == State::Established
            // No flag but these, no option but SACK and timestamps, and those not old.
            && Flags(segment.flags.0 | Flags::PSH.0) == Flags::ACK.union(Flags::PSH)
            && segment.options.user_timeout.is_none()
            && stamp.val.wrapping_sub(ts.recent) as i32 >= 0
            // Within the window, and not old; no FIN has come before.
            && arrived.seq >= nxt
            && arrived.end <= self.rcv.edge
            && self.rcv.fin.is_none()
            // One way only: data to who sends none, or an ACK to who does.
            && if segment.payload.is_empty() {
                arrived.seq == nxt && arrived.ack >= una && arrived.ack <= queue.nxt() && queue.flight() > 0
            } else {
                arrived.ack == una && segment.options.sack.is_empty() && queue.is_idle()
            }
            // Nothing that few connections have.
            && self.fast_open.is_none()
            && self.snd.search.is_none()
            && self.snd.probed.is_none()
            && self.timers.persist == Time::NEVER
            && self.ecn.mode() == Mode::Off
            && !self.orphan
    }

    /// What [`take_segment`](Connection::take_segment) does with a segment that was predicted.
    #[inline(always)]
    pub(super) fn on_predicted(&mut self, now: Time, arrived: &Arrived<'_>, out: &mut Out) {
        self.update_ts_recent(now, arrived);
        if self.counts_truesize() {
            self.hear_echo(now, arrived.segment);
        }
        let window_changed = self.update_window(now, arrived);
        if arrived.segment.payload.is_empty() {
            let ack = self.ack_of(now, arrived, window_changed);
            let queue = &mut self.snd.queue;
            let result = if queue.expects(&ack) {
                queue.on_expected(now, &ack, &self.config, out)
            } else {
                queue.on_any_ack(now, &ack, &self.config, out)
            };
            self.after_ack(now, &result, out);
            self.output(now, out);
            self.snd.queue.settle_timer(now, &self.config);
        } else {
            let uncounted = !self.counts_truesize();
            let buffer = &mut self.rcv.buffer;
            if uncounted && arrived.seq == buffer.nxt() && !buffer.has_gap() {
                buffer.append(&arrived.segment.payload);
                self.on_text_in_order(now, arrived.segment, arrived.seq, out);
            } else {
                self.count_text(arrived);
                self.take_data(now, &{ *arrived }, arrived.end, out);
            }
            if self.queued_end() > arrived.ack || self.counts_truesize() {
                self.output(now, out); // data waits for a window or for company, or time is kept
            } else {
                self.stop_persist();
            }
        }
        if self.counts_truesize() {
            self.check_space(now, out);
        }
        if self.ack.scheduled {
            self.acknowledge(now, out);
        }
    }
}
