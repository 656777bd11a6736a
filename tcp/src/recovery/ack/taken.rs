//! What an acknowledgment says has arrived: cumulatively, in SACK blocks, or twice.

use super::News;
use crate::config::{Config, LossDetection};
use crate::recovery::queue::Marks;
use crate::recovery::{Ack, Sender, trouble};
use crate::seq::Seq;
use crate::time::Time;

impl Sender {
    /// The cumulative acknowledgment.
    pub(super) fn take_ack(&mut self, now: Time, ack: &Ack, news: &mut News, cfg: &Config) {
        if ack.ack <= self.una() {
            return;
        }
        let (segments, mss) = (self.counts_segments(), self.mss64());
        let Sender { queue, trouble, rack, rtt, detection, usage, extra, .. } = self;
        let (min_rtt, rack_on) = (rtt.min(), *detection == LossDetection::Rack);
        let (of_last, mss) = (cfg.rack_rtt_of_last, segments.then_some(mss));
        let point = trouble.as_ref().map_or(Seq::default(), |t| t.point);
        let mut board = trouble.as_deref_mut().map(|t| &mut t.board);
        let highest = board.as_ref().and_then(|board| board.highest_sacked());
        let mut rate = extra.as_mut().and_then(|extra| extra.rate.as_mut());
        let mut carried = 0;
        while let Some((range, sent)) = queue.take_first(ack.ack) {
            let bytes = range.end - range.start;
            let (again, whole) = (sent.marks.has(Marks::EVER), range.end == sent.end);
            news.acked += bytes;
            if let Some(board) = &mut board {
                board.forget(bytes, sent.marks, whole);
            }
            if sent.marks.has(Marks::SACKED) {
                news.ambiguous |= again;
                continue;
            }
            news.delivered += mss.map_or(bytes, |mss| if whole { mss } else { 0 });
            news.packets += u32::from(whole);
            if let Some(rate) = &mut rate {
                rate.on_delivered(now, sent.at, sent.order, bytes);
            }
            if again {
                news.ambiguous = true;
            } else {
                news.first.get_or_insert(sent.at);
                news.last = Some(sent.at);
                news.original |= range.end <= point;
                news.note_late(range.start, highest);
                carried = bytes.max(carried);
            }
            if rack_on && whole {
                rack.delivered(now, &sent, ack.echo, min_rtt, of_last);
            }
        }
        if let Some(board) = board {
            board.drop_below(queue.una);
        }
        usage.carried = usage.carried.max(u16::try_from(carried).unwrap_or(u16::MAX));
    }

    /// The SACK blocks, a D-SACK first (RFC 2883, section 5).
    #[inline(never)]
    pub(super) fn take_sack(&mut self, now: Time, ack: &Ack, before: Seq, news: &mut News, cfg: &Config) {
        let nxt = self.nxt();
        let mut blocks = [(Seq::default(), Seq::default()); 4];
        let mut len = 0;
        for (left, right) in ack.sack.as_slice() {
            let (left, right) = (Seq::near(before, *left), Seq::near(before, *right));
            blocks[len] = (left, right);
            len += 1;
        }
        let mut blocks = &mut blocks[..len];
        let (left, right) = blocks[0];
        // 2883/5-SAMEPKT: against the ACK of the same segment, never SND.UNA.
        let inside = blocks.get(1).is_some_and(|second| second.0 <= left && right <= second.1);
        if left < right && (right <= ack.ack || inside) {
            self.take_dsack(left, right, before, news);
            blocks = &mut blocks[1..];
        }
        // Ascending, so that a gap between blocks of one segment does not look like reordering.
        blocks.sort_unstable();
        let (segments, mss) = (self.counts_segments(), self.mss64());
        let Sender { queue, trouble: slot, rack, rtt, detection, extra, .. } = self;
        let mut rate = extra.as_mut().and_then(|extra| extra.rate.as_mut());
        let (min_rtt, rack_on, una) = (rtt.min(), *detection == LossDetection::Rack, queue.una);
        // What is acknowledged cumulatively comes last.
        let of_last = cfg.rack_rtt_of_last && news.acked == 0;
        let mss = segments.then_some(mss);
        for (left, right) in blocks.iter().copied() {
            // 2018/SND-SANITY
            if left >= right || right > nxt || right <= una {
                continue;
            }
            let trouble = trouble(slot, una);
            let point = trouble.point;
            let highest = trouble.board.highest_sacked();
            queue.sack((left, right), cfg.sack_holes, &mut trouble.board, |range, sent| {
                let bytes = range.end - range.start;
                news.sacked += bytes;
                news.delivered += mss.unwrap_or(bytes);
                news.packets += 1;
                if let Some(rate) = &mut rate {
                    rate.on_delivered(now, sent.at, sent.order, bytes);
                }
                let again = sent.marks.has(Marks::EVER);
                if !again {
                    news.first_sacked.get_or_insert(sent.at);
                    news.last_sacked = news.last_sacked.max(Some(sent.at));
                    news.original |= range.end <= point;
                    news.note_late(range.start, highest);
                }
                if rack_on {
                    // TSecr echoes what arrived in sequence, so it tells nothing of a SACKed segment.
                    rack.delivered(now, sent, None, min_rtt, of_last);
                }
            });
        }
    }
    fn take_dsack(&mut self, left: Seq, right: Seq, before: Seq, news: &mut News) {
        let segments = (right - left).div_ceil(self.mss64()).min(u64::from(u32::MAX)) as u32;
        self.dsacks = self.dsacks.saturating_add(segments);
        news.told_twice = true;
        // More duplicates than retransmissions: the network duplicates, or somebody lies. And what is older than a
        // window has nothing to do with what goes on.
        if self.dsacks > self.retransmitted || right + (1 << 30) < before {
            return;
        }
        news.dsack = true;
        news.dsack_probe = self.probe.end == right;
        if self.counts_segments() {
            // A needless copy was delivered as well (Linux `tcp_dsack_seen`; capture lost_acks_run).
            news.delivered += u64::from(segments) * self.mss64();
        }
        if let Some(trouble) = &mut self.trouble {
            trouble.undo.needless(right, segments);
        }
    }
}
