//! Explicit congestion notification on a connection: what a segment that goes out says and carries, what one that
//! arrives means. Classic feedback is RFC 3168's, counters are [`crate::accecn`]'s.

use super::Connection;
use super::arrives::Arrived;
use crate::accecn::{AccEcn, Delivery, Mode, reflect};
use crate::cause::Rule;
use crate::config::{Config, Congestion};
use crate::handshake::EcnAgreed;
use crate::out::{EcnCodepoint, Out};
use crate::resting::words::fold;
use crate::segment::{Flags, Options, Segment};
use crate::time::Time;

/// What was agreed on, and what came of it.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Ecn {
    /// Classic ECN was agreed on.
    pub on: bool,
    /// Classic: this end sends no ECT, but reports CE.
    pub silent: bool,
    /// Classic: CE was seen, ECE on every ACK until CWR comes.
    pub echo: bool,
    /// The peer's data has come as ECT.
    pub seen: bool,
    /// AccECN was agreed on.
    pub accurate: Option<Box<AccEcn>>,
}

fold!(Ecn { on, silent, echo, seen } absent { accurate });

impl Ecn {
    /// What a handshake has agreed on.
    pub fn new(agreed: EcnAgreed) -> Ecn {
        match agreed {
            EcnAgreed::Off => Ecn::default(),
            EcnAgreed::Classic { ect } => Ecn { on: true, silent: !ect, ..Ecn::default() },
            EcnAgreed::Accurate(accurate) => Ecn { accurate: Some(accurate), ..Ecn::default() },
        }
    }
    /// Which feedback is in use.
    pub fn mode(&self) -> Mode {
        match (&self.accurate, self.on) {
            (Some(_), _) => Mode::Accurate,
            (None, true) => Mode::Classic,
            (None, false) => Mode::Off,
        }
    }
    /// The codepoint of a segment; `new_data`: it carries data that was never sent before.
    pub fn codepoint(&self, new_data: bool, config: &Config) -> EcnCodepoint {
        let ect = match &self.accurate {
            Some(accurate) => accurate.mute.is_none() && (new_data || config.accecn_marks_all),
            // 8257/4.1-KNOB
            None => self.on && !self.silent && (new_data || is_dctcp(config) && config.ect_on_control),
        };
        if ect { EcnCodepoint::Ect0 } else { EcnCodepoint::NotEct }
    }
    /// The ECN flags of a segment that goes out with `flags`: those of a handshake stay as they are.
    pub fn flags(&self, flags: Flags) -> Flags {
        match &self.accurate {
            Some(_) if flags.ace() != 0 => flags,
            Some(accurate) => flags | accurate.tells.ace(),
            None if self.echo => flags | Flags::ECE,
            None => flags,
        }
    }
}

impl Connection {
    /// Which feedback was agreed on.
    #[cfg(test)]
    pub(crate) fn ecn_mode(&self) -> Mode {
        self.ecn.mode()
    }
    // --- sending -------------------------------------------------------------------------------------------------

    /// Looks at whether an AccECN option is due as a beacon.
    pub(super) fn tick_accecn(&mut self, now: Time) {
        if let Some(accurate) = &mut self.ecn.accurate {
            accurate.tells.tick(now, self.snd.queue.srtt(), &self.config);
        }
    }
    /// How many fields an AccECN option would have behind `used` bytes of others, and how many of so many SACK blocks
    /// would stay. `None`: there will be no option.
    pub(super) fn fit_accecn(&self, used: u32, blocks: usize) -> Option<(u8, usize)> {
        let accurate = self.ecn.accurate.as_deref()?;
        if !accurate.tells.wants_option(accurate.told.seen, &self.config) {
            return None;
        }
        accurate.tells.fit(used, blocks, self.config.option_order)
    }
    /// Adds the AccECN option if it is due and there is room, at the cost of SACK blocks beyond the second if it must
    /// be.
    pub(super) fn put_accecn(&self, used: u32, options: &mut Options) {
        if let Some((count, kept)) = self.fit_accecn(used, options.sack.len()) {
            options.sack.truncate(kept);
            options.accecn = self.ecn.accurate.as_deref().map(|accurate| accurate.tells.option(count));
        }
    }
    /// A segment went out, with these options; `counts`: its ACE field is the counter; `duplicate`: where what it
    /// reported as a duplicate begins.
    pub(super) fn on_accecn_sent(
        &mut self,
        now: Time,
        options: &Options,
        counts: bool,
        duplicate: Option<u32>,
    ) {
        if let Some(accurate) = &mut self.ecn.accurate {
            if counts {
                accurate.tells.pending = 0;
            }
            accurate.tells.on_sent(now, options.accecn.is_some(), duplicate);
        }
    }
    /// The flags of the ACK of a SYN or SYN-ACK: in AccECN mode they tell its codepoint (RFC 9768, section 3.2.2.1).
    pub(super) fn handshake_flags(&self) -> Flags {
        self.ecn.accurate.as_ref().map_or(Flags::NONE, |accurate| reflect(accurate.syn))
    }

    // --- receiving -----------------------------------------------------------------------------------------------

    /// A packet arrived that belongs here: counts its codepoint (RFC 9768, section 3.2). A change is acknowledged at
    /// once, and so are many marks (section 3.2.2.5.1).
    pub(super) fn count_codepoint(&mut self, arrived: &Arrived<'_>) {
        let owed = self.ack.scheduled || self.rcv.nxt() > self.rcv.wup || !arrived.segment.payload.is_empty();
        let Some(accurate) = &mut self.ecn.accurate else { return };
        let tells = &mut accurate.tells;
        if tells.on_packet(arrived.ecn, arrived.segment.payload.len()) {
            self.ack.hurry(Rule::AckOfCodepoint);
        }
        self.ecn.seen |= arrived.ecn != EcnCodepoint::NotEct;
        match self.config.accecn_ack_after {
            Some(after) if tells.pending >= after.min(7) => self.ack.hurry(Rule::AckOfMarks),
            None if tells.pending >= if owed { 2 } else { 3 } => {
                self.ack.bare |= !owed;
                self.ack.now(Rule::AckOfMarks);
            }
            _ => {}
        }
    }
    /// The segment that completed the handshake, without text, had this codepoint.
    pub(crate) fn count_handshake_packet(&mut self, ecn: EcnCodepoint) {
        let Some(accurate) = &mut self.ecn.accurate else { return };
        if accurate.tells.on_packet(ecn, 0) {
            self.ack.hurry(Rule::AckOfCodepoint);
        }
        self.ecn.seen |= ecn != EcnCodepoint::NotEct;
    }
    /// A SYN arrived on the open connection: its codepoint is the one to tell from now on (RFC 9768, section 3.1.5).
    pub(super) fn note_repeated_syn(&mut self, segment: &Segment, ecn: EcnCodepoint) {
        if let Some(accurate) = &mut self.ecn.accurate {
            accurate.syn = ecn;
            if let Some(option) = &segment.options.accecn {
                accurate.told.see(option);
                accurate.tells.demand = accurate.tells.demand.max(1);
            }
        }
    }
    /// Data that begins at `seq` has come before.
    pub(super) fn note_accecn_duplicate(&mut self, seq: crate::SeqNum) {
        if let Some(accurate) = &mut self.ecn.accurate {
            accurate.tells.on_duplicate(seq.0);
        }
    }
    /// Classic ECN at the receiver (RFC 3168, section 6.1.3): CWR ends the echo, CE starts it; both on one packet
    /// start it.
    pub(super) fn accept_ecn(&mut self, now: Time, arrived: &Arrived<'_>, out: &mut Out) {
        if !self.ecn.on && self.ecn.accurate.is_none() {
            return;
        }
        if self.ecn.on && is_dctcp(&self.config) {
            return self.accept_dctcp(now, arrived, out);
        }
        if self.ecn.on && arrived.segment.has(Flags::CWR) {
            self.ecn.echo = false;
            self.ack.now(Rule::AckQuick);
        }
        match arrived.ecn {
            EcnCodepoint::Ce if self.ecn.on && !self.ecn.echo => {
                self.ecn.echo = true;
                self.enter_quick_ack(2);
            }
            // Sent again, most likely: a retransmission is never ECT (Linux).
            EcnCodepoint::NotEct if self.ecn.seen && self.config.delayed_ack.adaptive => {
                self.enter_quick_ack(2);
            }
            _ => {}
        }
        self.ecn.seen |= arrived.ecn != EcnCodepoint::NotEct;
    }
}

impl Connection {
    /// DCTCP at the receiver (RFC 8257, section 3.2): ECE says whether the last packet was marked. When that changes,
    /// what came before is acknowledged first, as it was, and what has come now at once.
    fn accept_dctcp(&mut self, now: Time, arrived: &Arrived<'_>, out: &mut Out) {
        let marked = arrived.ecn == EcnCodepoint::Ce;
        if marked != self.ecn.echo {
            // 8257/3.2-TWOACK
            if self.ack.scheduled {
                self.send_ack(now, Rule::CeChanged, out);
            }
            // 8257/3.2-ECE
            self.ecn.echo = marked;
            self.ack.now(Rule::CeChanged);
        }
        self.ecn.seen |= arrived.ecn != EcnCodepoint::NotEct;
    }
}

fn is_dctcp(config: &Config) -> bool {
    config.congestion == Congestion::Dctcp
}

/// Whether an acknowledgment tells of congestion. `fresh`: its timestamp is newer than those before.
pub(super) fn tells_congestion(
    ecn: &mut Ecn,
    news: &Delivery,
    segment: &Segment,
    (fresh, sent): (bool, u64),
) -> bool {
    let Some(accurate) = &mut ecn.accurate else { return ecn.on && segment.has(Flags::ECE) };
    // An older ACK that comes late brings nothing, and one without news cannot be told from one.
    if news.packets == 0 && !fresh || segment.has(Flags::SYN) {
        return false;
    }
    match accurate.told.on_ack(news, segment.flags, segment.options.accecn.as_ref(), sent) {
        // What is sent as Not-ECT cannot have been marked (RFC 9768, section 3.2.2.1).
        Ok(marked) => marked > 0 && accurate.mute.is_none(),
        Err(mute) => {
            accurate.silence(mute);
            false
        }
    }
}
