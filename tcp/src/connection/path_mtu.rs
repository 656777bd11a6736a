//! The path MTU: what ICMP says of it, whether that is believed, and when it is forgotten (RFC 1191; RFC 8201; RFC 5927,
//! section 7). What can be found out where nobody says anything: `mtu_search`.

use super::Connection;
use crate::cause::Rule;
use crate::offer::{self, TIMESTAMP_BYTES};
use crate::out::{Note, Out};
use crate::seq::Seq;
use crate::time::Time;

/// What a connection remembers of path MTUs smaller than that of its first segment.
#[derive(Clone, Debug, Hash)]
pub(super) struct PathMtu {
    /// A claim that is not believed yet, and the number that it quoted.
    held: Option<(u16, Seq)>,
    /// When larger segments are tried again.
    raise_at: Time,
    /// Path MTU before the first claim that was believed.
    before: u16,
    /// The route's MTU, if it has changed and nobody has looked since.
    route: Option<u16>,
}

impl Connection {
    /// A router says that the path takes no more than `mtu` bytes; it quotes the segment that begins at `quoted`.
    pub(super) fn on_too_big(&mut self, now: Time, mtu: u16, quoted: Seq, out: &mut Out) {
        if !self.config.path_mtu_discovery {
            return;
        }
        let told = if mtu == 0 { offer::plateau_below(self.snd.pmtu) } else { mtu };
        let Some(mtu) = offer::believable_mtu(&self.config, self.ends.remote_ip().is_ipv6(), told) else {
            return out.notes.push(Note::Dropped(Rule::PmtuImpossible));
        };
        if mtu >= self.snd.pmtu {
            return;
        }
        if self.doubts(mtu) {
            let path = self.path_mtu();
            // Of several that say the same, the one about the first segment is the one that a timeout will confirm.
            let quoted = path.held.filter(|held| held.0 == mtu).map_or(quoted, |held| held.1.min(quoted));
            path.held = Some((mtu, quoted));
            return self.note(Rule::PmtuHeld, out);
        }
        if self.believe(now, mtu, true) {
            self.note(Rule::PmtuRetransmit, out);
            self.respond(now, out);
        }
    }
    /// What another connection has learnt of the path to the same address (RFC 8201, section 5.2): nothing is sent again
    /// for it.
    pub fn on_path_mtu(&mut self, now: Time, mtu: u16) {
        if self.is_over() || !self.config.path_mtu_discovery || mtu >= self.snd.pmtu || self.doubts(mtu) {
            return;
        }
        // What is known at the start bounds the segments and not the search: that may find more (4821/7.2-HIGH).
        let fresh = self.snd.queue.nxt() == self.snd.iss + 1;
        let search = self.snd.search.take_if(|_| fresh);
        self.believe(now, mtu, false);
        if let Some(search) = search {
            let binds = search.binds();
            self.snd.search = Some(search);
            if binds {
                self.sync_mss(mtu, false);
            }
        }
    }
    /// The route to the peer has another MTU, whatever the path takes (`ip route change … mtu lock`). It counts once the next
    /// segment has gone out (Linux looks at a route again when it sends).
    pub fn on_route_mtu(&mut self, mtu: u16) {
        self.path_mtu().route = Some(mtu);
    }
    /// The link by which segments leave takes no more than `mtu` bytes any more. There is nothing to doubt in that, and nothing
    /// to discover: what is longer would not even leave (RFC 1122, section 3.3.3; Linux looks at the device's MTU each time).
    pub fn on_link_mtu(&mut self, mtu: u16) {
        if let Some(path) = &mut self.snd.path {
            // What is believed again when a smaller path MTU is forgotten.
            path.before = path.before.min(mtu);
        }
        if !self.is_over() && mtu < self.snd.pmtu {
            self.sync_mss(mtu, false);
        }
    }
    /// Segments have gone out: if the route has another MTU since, that is known now.
    pub(super) fn look_at_route(&mut self) {
        if let Some(mtu) = self.snd.path.as_mut().and_then(|path| path.route.take()) {
            self.snd.path = None;
            self.sync_mss(mtu, false);
        }
    }
    /// Whether larger packets than this have arrived, so that somebody may lie (RFC 5927, section 7.2).
    fn doubts(&self, mtu: u16) -> bool {
        self.config.cautious_pmtu
            && self.payload_of(offer::mss_of_mtu(&self.tuple(), mtu)) < self.snd.queue.carried()
    }
    /// What an MSS leaves for data, in bytes.
    pub(super) fn payload_of(&self, mss: u16) -> u32 {
        let option_bytes = if self.ts.is_some() { TIMESTAMP_BYTES } else { 0 };
        u32::from(mss.saturating_sub(option_bytes).max(1))
    }
    fn path_mtu(&mut self) -> &mut PathMtu {
        let before = self.snd.pmtu;
        self.snd.path.get_or_insert_with(|| {
            Box::new(PathMtu { held: None, raise_at: Time::NEVER, before, route: None })
        })
    }
    /// The path takes less: with `resend` everything outstanding that is too long goes again at once in smaller segments,
    /// without a congestion response (RFC 1191, section 6.4). Whether segments have become smaller.
    fn believe(&mut self, now: Time, mtu: u16, resend: bool) -> bool {
        let raise_at = now + self.config.pmtu_expires;
        let path = self.path_mtu();
        path.raise_at = raise_at;
        path.held = None;
        self.sync_mss(mtu, resend)
    }
    /// The path MTU is `pmtu`, as far as anybody says: sends with the MSS that follows from it, and from the search (Linux
    /// `tcp_sync_mss`). Whether segments have become smaller.
    pub(super) fn sync_mss(&mut self, pmtu: u16, resend: bool) -> bool {
        self.snd.pmtu = pmtu;
        let mut most = pmtu;
        let mut probing = false;
        if let Some(search) = &mut self.snd.search {
            probing = search.is_probing_beyond(pmtu);
            search.bound(pmtu);
            if search.binds() {
                most = most.min(search.low());
            }
        }
        let mss = self.snd.full_mss.min(offer::mss_of_mtu(&self.tuple(), most)).max(1);
        let (before, effective) = (std::mem::replace(&mut self.snd.mss, mss), self.payload_of(mss));
        if mss > before {
            let header =
                pmtu.saturating_sub(offer::mss_of_mtu(&self.tuple(), pmtu)) + (mss - effective as u16);
            self.snd.queue.on_larger_mss(effective, header, &self.config);
        } else if mss < before || probing {
            self.snd.queue.on_mss(effective, resend);
        }
        mss < before || probing
    }
    /// The program wants no larger MSS than this, options not taken off.
    pub(super) fn limit_mss(&mut self, mss: u16) {
        self.snd.full_mss = mss;
        self.sync_mss(self.snd.pmtu, false);
    }

    /// The retransmission timer has run out. If it was the segment that a claim in doubt quoted, the claim was true.
    pub(super) fn confirm_path_mtu(&mut self, now: Time, out: &mut Out) {
        let Some((mtu, quoted)) = self.snd.path.as_ref().and_then(|path| path.held) else { return };
        if quoted == self.snd.queue.una() && mtu < self.snd.pmtu {
            // The path is another than before: further claims are as good as the first.
            self.snd.queue.forget_carried();
            self.believe(now, mtu, false);
            self.note(Rule::PmtuConfirmed, out);
        }
    }
    /// SND.UNA has moved: a claim that quoted what has arrived was a lie.
    pub(super) fn refute_path_mtu(&mut self) {
        let una = self.snd.queue.una();
        if let Some(path) = &mut self.snd.path {
            path.held = path.held.filter(|(_, quoted)| *quoted >= una);
        }
    }
    /// New data is about to go out: a smaller path MTU is not believed for ever. Nothing is sent again for it (RFC 1191,
    /// section 6.3).
    pub(super) fn raise_path_mtu(&mut self, now: Time, out: &mut Out) {
        let Some(path) = self.snd.path.as_ref().filter(|path| path.raise_at <= now) else { return };
        let before = path.before;
        self.snd.path = None;
        self.sync_mss(before, false);
        self.note(Rule::PmtuForgotten, out);
    }
}
