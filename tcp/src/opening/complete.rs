//! The peer has answered: SYN-SENT becomes a connection.

use std::sync::Arc;

use super::{Opening, Peer};
use crate::accecn::{AccEcn, Mode, Mute};
use crate::cause::Rule;
use crate::connection::{Connection, clock};
use crate::fast_open::{ClientFail, News};
use crate::handshake::{EcnAgreed, Handshake, TimestampState, WindowScale};
use crate::offer;
use crate::offer::MAX_SHIFT;
use crate::out::{Note, Out};
use crate::segment::{Flags, Segment};
use crate::seq::Seq;
use crate::time::Time;

impl Opening {
    /// The connection that this open has become. `segment` completed the handshake.
    pub(super) fn complete(
        &mut self,
        now: Time,
        peer: &Peer,
        segment: &Segment,
        out: &mut Out,
    ) -> Box<Connection> {
        let config = &self.config;
        let said = &peer.options;
        let wscale = match (self.agreed_shift(peer), said.wscale.filter(|_| self.shift.is_some())) {
            (rcv, Some(snd)) => Some(WindowScale { snd: snd.min(MAX_SHIFT), rcv }),
            (0, None) => None,
            (rcv, None) => Some(WindowScale { snd: 0, rcv }),
        };
        // The window of a SYN is never scaled (RFC 7323, section 2.2).
        let shift = if segment.has(Flags::SYN) { 0 } else { wscale.map_or(0, |w| w.snd) };
        // Only from what begins where the last acknowledgment stood, or before it (RFC 7323, section 4.3).
        let first = Seq::initial(peer.irs) + 1;
        let covers = Seq::near(first, segment.seq) <= first;
        let recent = segment.options.timestamps.filter(|_| covers).or(said.timestamps);
        let timestamps = recent
            .filter(|_| config.timestamps && said.timestamps.is_some())
            .map(|ts| TimestampState { offset: self.clock_offset, recent: ts.val, recent_at: now });
        let rtt = if self.repeats() == 0 {
            Some(now.since(self.sent))
        } else {
            // What this open never sent tells nothing of the path: an earlier incarnation, before a reboot, may have.
            let own = self.echoes_own(now, segment);
            let echoed = timestamps.and(segment.options.timestamps).filter(|ts| own && ts.ecr != 0);
            echoed.map(|ts| now.since(clock::tick_began(now, self.clock_offset, ts.ecr)))
        };
        let snd_mss = offer::send_mss(config, &self.tuple, self.mtu, said.mss);
        let handshake = Handshake {
            config: Arc::clone(config),
            tuple: self.tuple,
            mtu: self.mtu,
            passive: false,
            iss: self.iss,
            irs: peer.irs,
            snd_wnd: u32::from(segment.wnd) << shift,
            snd_wl1: segment.seq,
            rcv_wnd: self.rcv_wnd,
            wscale,
            snd_mss: snd_mss.min(self.socket.max_seg().unwrap_or(u16::MAX)),
            peer_mss: offer::told_mss(&self.tuple, said.mss),
            rcv_mss: self.mss,
            timestamps,
            sack: config.sack && said.sack_permitted,
            ecn: self.ecn_agreed(peer, segment),
            rtt,
            syn_acked: self.syn_acked(segment),
            retransmits: self.repeats(),
        };
        self.timer = Time::NEVER;
        out.wake.connected = true;
        let mut connection = Box::new(Connection::with_socket(now, handshake, self.socket.clone()));
        if let Some(on) = self.quick_ack {
            connection.set_quick_ack(on);
        }
        connection.set_soft_error(self.soft_error);
        if self.modest {
            connection.be_modest();
        }
        self.settle_fast_open(now, peer, segment, &mut connection, out);
        connection.begin_user_timeout(peer.options.user_timeout, out);
        connection
    }
    /// Octets of the SYN's data that an acceptable ACK covers.
    fn syn_acked(&self, segment: &Segment) -> u32 {
        segment.ack.distance_from(self.iss).saturating_sub(1)
    }
    /// Whether the ACK field covers our SYN, and nothing that was never sent: ISS < SEG.ACK =< SND.NXT.
    pub(super) fn acks_syn(&self, segment: &Segment) -> bool {
        (1..=1 + self.syn_data()).contains(&segment.ack.distance_from(self.iss))
    }
    /// What the answer says of Fast Open: for the host's memory, and for the data that is still to be sent.
    fn settle_fast_open(
        &mut self,
        now: Time,
        peer: &Peer,
        segment: &Segment,
        connection: &mut Connection,
        out: &mut Out,
    ) {
        let Some(ask) = self.fast_open.take() else { return };
        let acked = self.syn_acked(segment);
        let (sent, all) = (!ask.data.is_empty(), acked == ask.data.len());
        // 7413/4.1.3-CACHE; a cookie that was not asked for is nobody's.
        let option = peer.options.fast_open.as_deref().copied().filter(|_| ask.option.is_some());
        let option = option.filter(|option| option.cookie.is_some());
        let repeated = self.repeats() > 0;
        out.fast_open.push(News::Answered {
            mss: peer.options.mss.unwrap_or(offer::default_mss(&self.tuple)),
            option,
            ignored: ask.option.map(|o| o.experimental).filter(|_| option.is_none() && !repeated && !sent),
            lost: repeated && option.is_none() && sent && !all,
        });
        let fail = match () {
            () if sent && all => ClientFail::Nothing,
            () if sent && repeated => ClientFail::SynRepeated,
            () if sent => ClientFail::DataNotAcked,
            () => ClientFail::NoCookie,
        };
        if sent {
            let what = if all { Rule::FastOpenDataAcked } else { Rule::FastOpenDataLost };
            out.notes.push(Note::Happened(what));
        }
        // 7413/4.2.2-CLRTX, 7413/4.2.2-PARTACK
        let (asked, rest) = (ask.option.is_some(), ask.data.slice(acked, u32::MAX));
        connection.begin_fast_client(now, rest, (asked, sent && all), fail, ask.more);
    }
    /// What was agreed on about ECN, once `segment` has completed the open.
    pub(super) fn ecn_agreed(&self, peer: &Peer, segment: &Segment) -> EcnAgreed {
        match peer.ecn {
            Mode::Off => EcnAgreed::Off,
            Mode::Classic => EcnAgreed::Classic { ect: true },
            Mode::Accurate => {
                let mut accurate = Box::new(AccEcn::new(peer.codepoint));
                if self.peer.is_none() {
                    accurate.on_syn_ack(segment, peer.codepoint, &self.config);
                } else {
                    // Both have opened: this end has answered the peer's SYN, as a server does.
                    accurate.tells.last = peer.codepoint;
                    if self.retransmits > 1 {
                        accurate.silence(Mute::SentNone);
                    }
                    accurate.on_third_ack(segment, &self.config);
                }
                EcnAgreed::Accurate(accurate)
            }
        }
    }
}
