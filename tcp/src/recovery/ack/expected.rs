//! The acknowledgment that a transfer without losses brings all the time: of new data, with nothing SACKed, lost, probed,
//! paced or measured by rate. What else an acknowledgment may have to do has nothing to work on then and is left out, no
//! more: each step that remains is the one that `on_ack_with` takes. (Tests take both ways and compare.)

use super::News;
use crate::config::{Config, LossDetection};
use crate::out::Out;
use crate::recovery::queue::Marks;
use crate::recovery::{Ack, Acked, Phase, Sender, Trouble};
use crate::time::Time;

impl Sender {
    /// Whether nothing is amiss, and nothing in use that few connections use.
    #[inline]
    pub fn is_calm(&self) -> bool {
        let past = |trouble: &Trouble| self.detection == LossDetection::Rack && trouble.is_over();
        self.phase == Phase::Open
            && self.extra.is_none()
            && !self.probe.is_outstanding()
            && !self.paused
            && self.trouble.as_deref().is_none_or(past)
    }
    /// Whether [`on_expected`](Sender::on_expected) is the way of this acknowledgment.
    #[inline]
    pub fn expects(&self, ack: &Ack) -> bool {
        ack.ack > self.una() && !ack.ece && (ack.sack.is_empty() || !self.sack) && self.is_calm()
    }

    /// What [`on_ack_with`](Sender::on_ack_with) does with an acknowledgment that is expected. [`Sender::settle_timer`] has to
    /// follow once the output function has run, since what that sends may restart the timer anyway.
    pub fn on_expected(&mut self, now: Time, ack: &Ack, cfg: &Config, out: &mut Out) -> Acked {
        let mut news = self.take_unmarked(now, ack, cfg);
        self.first_window = self.first_window.saturating_sub(news.acked as u32);
        let rtt = self.measure(now, ack, &mut news, cfg, out);
        // What is shown to those who seldom look is a copy: the original then need not lie in memory.
        if !self.controller.sees_acks_only() {
            self.show_delivered(now, ack, &{ news }, cfg, out);
        }
        self.rack.adapt(false, self.una(), self.nxt());
        if self.is_troubled(&news) {
            self.judge(now, ack, &mut { news }, cfg, out);
        } else {
            // There was nothing to judge.
            self.rack.advanced &= self.trouble.is_none();
            self.grow(now, ack, &news, cfg);
            self.probe.restart = self.would_probe(cfg) && !self.queue.is_empty();
            if !self.probe.restart {
                self.restart_timer(now, cfg);
            }
        }
        if self.queue.is_empty() {
            self.tidy();
        }
        Acked { acked: news.acked, rtt, packets: news.packets, ..Acked::default() }
    }
    /// What [`take_ack`](Sender::take_ack) does where nothing is marked, and nobody measures rates.
    #[inline(always)]
    fn take_unmarked(&mut self, now: Time, ack: &Ack, cfg: &Config) -> News {
        let (una, mss, segments) = (self.una(), self.mss64(), self.counts_segments());
        let (min_rtt, by_time) = (self.rtt.min(), self.detection == LossDetection::Rack);
        let mut news = News::default();
        let mut carried = 0;
        while let Some((range, sent)) = self.queue.take_first(ack.ack) {
            let whole = range.end == sent.end;
            news.packets += u32::from(whole);
            if sent.marks.has(Marks::EVER) {
                news.ambiguous = true;
            } else {
                news.first.get_or_insert(sent.at);
                news.last = Some(sent.at);
                carried = carried.max(range.end - range.start);
            }
            if by_time && whole {
                self.rack.delivered(now, &sent, ack.echo, min_rtt, cfg.rack_rtt_of_last);
            }
        }
        news.acked = self.una() - una;
        news.delivered = if segments { u64::from(news.packets) * mss } else { news.acked };
        self.usage.carried = self.usage.carried.max(u16::try_from(carried).unwrap_or(u16::MAX));
        news
    }
    /// Something that arrived was sent after what is first outstanding now.
    #[inline(never)]
    fn judge(&mut self, now: Time, ack: &Ack, news: &mut News, cfg: &Config, out: &mut Out) {
        self.advance_phase(now, ack, news, cfg, out);
        self.set_window(now, ack, news, cfg);
        self.set_timer(now, news, cfg);
    }
    /// Restarts the timer, if that is still to be done.
    #[inline]
    pub fn settle_timer(&mut self, now: Time, cfg: &Config) {
        if std::mem::take(&mut self.probe.restart) {
            self.restart_timer(now, cfg);
        }
    }
}
