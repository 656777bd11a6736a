//! Finding the path MTU by sending larger segments (RFC 4821; Linux `tcp_mtu_probe`).
//!
//! Packets of `search_low` bytes get through, packets of more than `search_high` cannot. Now and then one segment is as
//! long as the middle between the two: if it is acknowledged, `search_low` and the segments rise to it, if it alone is
//! lost, `search_high` falls below it; ICMP is not needed. Timeouts that go on and on lower `search_low` (section 7.7).

use super::Connection;
use super::output::Hold;
use crate::cause::Rule;
use crate::config::{Config, MtuProbing};
use crate::handshake::Handshake;
use crate::offer::{self, TCP_HEADER, TIMESTAMP_BYTES};
use crate::out::Out;
use crate::recovery::ProbeFate;
use crate::time::{Duration, Time};

/// Segments that the congestion window must hold before a probe is sent (Linux).
const WINDOW: u64 = 11;
/// After a probe that timed out the next one waits so much longer than after one that was lost (RFC 4821, section 7.6.3).
const PATIENCE: u64 = 5;

/// The range that is searched, in bytes of IP packets.
#[derive(Clone, Debug, Hash)]
pub(super) struct MtuSearch {
    /// search_low: packets of this length get through, as far as is known.
    low: u16,
    /// search_high: longer ones do not, or cannot be.
    high: u16,
    /// The length of the probe that is outstanding.
    probe: Option<u16>,
    /// How long the next one waits if that is lost.
    spacing: Duration,
    /// Segments are as long as search_low allows; not so under Linux at a passive end that has learnt nothing yet.
    binds: bool,
    /// When the search began.
    since: Time,
    /// No probe is sent before.
    wait: Time,
}

impl MtuSearch {
    /// The search of a connection that begins with this handshake, if it searches from the beginning.
    pub(super) fn at_start(now: Time, h: &Handshake) -> Option<Box<MtuSearch>> {
        let config = &h.config;
        if config.mtu_probing != MtuProbing::Always || !config.path_mtu_discovery {
            return None;
        }
        let headers = offer::ip_header(&h.tuple) + TCP_HEADER;
        let options = if h.timestamps.is_some() { TIMESTAMP_BYTES } else { 0 };
        let high = h.snd_mss.saturating_add(headers);
        let low = config.base_mss.saturating_add(headers + options);
        let binds = !h.passive || config.cautious_mtu_search;
        Some(Box::new(MtuSearch { binds, ..MtuSearch::new(now, low, high) }))
    }
    fn new(now: Time, low: u16, high: u16) -> MtuSearch {
        MtuSearch { low, high, probe: None, spacing: Duration::ZERO, binds: true, since: now, wait: now }
    }
    /// Whether segments are as long as search_low allows.
    pub(super) fn binds(&self) -> bool {
        self.binds
    }
    /// Packets of this length get through.
    pub(super) fn low(&self) -> u16 {
        self.low
    }
    /// search_low and search_high.
    #[cfg(test)]
    pub(super) fn range(&self) -> (u16, u16) {
        (self.low, self.high)
    }
    /// When the next probe may be sent.
    #[cfg(test)]
    pub(super) fn waits_until(&self) -> Time {
        self.wait
    }
    /// The path takes no more than `mtu` bytes, somebody says.
    pub(super) fn bound(&mut self, mtu: u16) {
        self.high = self.high.min(mtu);
    }
    /// Whether a probe of more than `mtu` bytes is outstanding.
    pub(super) fn is_probing_beyond(&self, mtu: u16) -> bool {
        self.probe.is_some_and(|probe| probe > mtu)
    }
    /// Whether search_high and search_low have met, or nearly (RFC 4821, section 7.3).
    fn has_converged(&self, config: &Config) -> bool {
        self.high.saturating_sub(self.low) < config.mtu_probe_threshold.max(2)
    }
}

impl Connection {
    /// Bytes of IP and TCP headers, without options.
    fn fixed_headers(&self) -> u16 {
        offer::ip_header(&self.tuple()) + TCP_HEADER
    }
    /// The path MTU that would leave `payload` bytes of data.
    fn mtu_of_payload(&self, payload: u16) -> u16 {
        let stamps = if self.ts.is_some() { TIMESTAMP_BYTES } else { 0 };
        payload.saturating_add(self.fixed_headers() + stamps)
    }

    /// Before new data goes out: sends a longer segment, if it is time for one. [`Hold::Nothing`]: there is nothing to wait
    /// for.
    pub(super) fn probe_mtu(&mut self, now: Time, out: &mut Out) -> Hold {
        let Some(search) = self.snd.search.as_deref() else { return Hold::Nothing };
        self.settle_probe(now, search.probe, out);
        let Some(search) = self.snd.search.as_deref() else { return Hold::Nothing };
        // SACK blocks leave less room for data: what is acknowledged would tell nothing.
        let sacking = self.sack && (self.rcv.dsack.is_some() || self.rcv.buffer.has_gap());
        let queue = &self.snd.queue;
        let mss = u64::from(queue.mss().max(1));
        // 4821/7.4-PRE
        if search.probe.is_some()
            || sacking
            || !queue.is_undisturbed()
            || queue.cwnd() / mss < WINDOW
            || now < search.wait
        {
            return Hold::Nothing;
        }
        if search.has_converged(&self.config) {
            self.search_again(now);
            return Hold::Nothing;
        }
        // 4821/7.1-RANGE
        let middle = search.low + (search.high - search.low) / 2;
        let headers = u32::from(self.fixed_headers()) + self.option_bytes();
        let payload = u64::from(u32::from(middle).saturating_sub(headers).max(1));
        // The probe, and as many segments behind it as it takes to notice its loss.
        let needed = payload + (u64::from(self.config.dupthresh) + 1) * u64::from(self.segment_size());
        let nxt = queue.nxt();
        let waiting = self.snd.buffer.end().since(nxt);
        if waiting < needed || self.snd.wnd < needed {
            return Hold::Nothing;
        }
        if nxt + needed > self.window_end() {
            return Hold::Probe;
        }
        let pipe = queue.pipe(&self.config);
        if pipe + payload.max(2 * mss) > queue.cwnd() {
            return if pipe == 0 { Hold::Nothing } else { Hold::Probe };
        }
        if !self.snd.queue.may_release(now) {
            return Hold::Nothing;
        }
        self.send_mtu_probe(now, payload, middle, out);
        Hold::Nothing
    }
    fn send_mtu_probe(&mut self, now: Time, payload: u64, mtu: u16, out: &mut Out) {
        let start = self.snd.queue.nxt();
        let end = start + payload;
        let spacing = if self.config.cautious_mtu_search { self.probe_spacing() } else { Duration::ZERO };
        self.join_skbs(start, end);
        self.send_new_range(now, start..end, (payload as u32, false), Rule::MtuProbe, out);
        self.snd.queue.on_mtu_probe_sent(start..end);
        if let Some(search) = &mut self.snd.search {
            (search.probe, search.spacing) = (Some(mtu), spacing);
        }
    }

    /// An acknowledgment of everything below `ack` is about to be taken in: if it is the probe's, segments grow.
    pub(super) fn note_probe_arrival(&mut self, ack: crate::seq::Seq, out: &mut Out) {
        if self.snd.search.is_none() || !self.snd.queue.mtu_probe_arrives(ack) {
            return;
        }
        let Some(search) = &mut self.snd.search else { return };
        if let Some(mtu) = search.probe.take() {
            // 4821/7.6.1-SUCCESS
            (search.low, search.binds) = (mtu, true);
            self.sync_mss(self.snd.pmtu, false);
            self.note(Rule::MtuProbeArrived, out);
        }
    }
    /// The probe may have met another fate since.
    fn settle_probe(&mut self, now: Time, probe: Option<u16>, out: &mut Out) {
        let Some(mtu) = probe else { return };
        let Some(fate) = self.snd.queue.take_probe_fate() else { return };
        let Some(search) = &mut self.snd.search else { return };
        search.probe = None;
        match fate {
            ProbeFate::TooLarge => {
                // 4821/7.6.2-FAIL, 4821/4-RATELIM
                search.high = search.high.min(mtu - 1).max(search.low);
                search.wait = now + search.spacing;
            }
            // 4821/7.6.3-TIMEOUT
            ProbeFate::TimedOut => search.wait = now + search.spacing * PATIENCE,
            // 4821/7.6.4-INCONCL
            ProbeFate::Unknown => {}
        }
        if fate != ProbeFate::TooLarge {
            self.note(Rule::MtuProbeInconclusive, out);
        }
    }
    /// As many round-trip times as the window has segments: what congestion, too, takes between two losses.
    fn probe_spacing(&self) -> Duration {
        let queue = &self.snd.queue;
        queue.srtt() * (queue.cwnd() / u64::from(queue.mss().max(1))).max(1)
    }
    /// The search is over, and has been for long: the path may be another by now (RFC 4821, section 7.3).
    fn search_again(&mut self, now: Time) {
        let interval = self.config.mtu_probe_interval;
        let (headers, full) = (self.fixed_headers(), self.snd.full_mss);
        let low = self.snd.mss.saturating_add(headers);
        if let Some(search) = self.snd.search.as_deref_mut().filter(|search| now >= search.since + interval) {
            (search.low, search.high, search.since) = (low, full.saturating_add(headers), now);
        }
    }

    /// Timeouts go on and on: maybe the path drops what is large and does not say so (RFC 4821, section 7.7). The search
    /// begins low, then ever lower.
    pub(super) fn probe_black_hole(&mut self, now: Time, out: &mut Out) {
        if self.config.mtu_probing == MtuProbing::Off || !self.config.path_mtu_discovery {
            return;
        }
        let before = self.snd.mss;
        match self.snd.search.as_deref() {
            None => {
                let low = self.mtu_of_payload(self.config.base_mss);
                let high = self.snd.full_mss.saturating_add(self.fixed_headers()).min(self.snd.pmtu);
                self.snd.search = Some(Box::new(MtuSearch::new(now, low, high)));
            }
            Some(search) => {
                let half = self.payload_of(offer::mss_of_mtu(&self.tuple(), search.low)) / 2;
                let floor = self.config.mtu_probe_floor.max(self.config.min_mss);
                let low = self.mtu_of_payload((half as u16).min(self.config.base_mss).max(floor));
                let low = if self.config.cautious_mtu_search {
                    low.max(offer::least_mtu(&self.tuple()))
                } else {
                    low
                };
                if let Some(search) = &mut self.snd.search {
                    (search.low, search.binds) = (low, true);
                }
            }
        }
        self.sync_mss(self.snd.pmtu, false);
        if self.snd.mss < before {
            self.note(Rule::BlackHole, out);
        }
    }
}
