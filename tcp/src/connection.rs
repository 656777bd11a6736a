//! A synchronized connection: ESTABLISHED and later (RFC 9293, section 3.10).
//!
//! | file | answers |
//! |---|---|
//! | `calls` | what a program's calls do (3.10.2 to 3.10.6) |
//! | `arrives`, `text` | what an arriving segment does: the eight checks in their order (3.10.7.4) |
//! | `predicted` | which segments need none of the checks |
//! | `output` | what to send: the one function that decides |
//! | `burst` | what leaves as one skb, and when it waits to become larger |
//! | `emit` | how a segment is put together |
//! | `timers`, `limits` | what happens when time has passed (3.10.8), and when to give up |
//! | `acking`, `window` | when to acknowledge, how much to offer |
//! | `fast_open` | SYN-RECEIVED with data (RFC 7413), and how a fast open went |
//! | `ecn` | congestion marks: what is told of them, and what is sent to be marked |
//! | `urgent`, `icmp`, `path_mtu`, `closing` | urgent data; ICMP errors; the path MTU; resets, TIME-WAIT, orphans |
//! | `mtu_search` | finding the path MTU without ICMP (RFC 4821) |
//! | `memory`, `ingest`, `chrono` | buffers as Linux accounts them, both ways; what limited the sender, and how long |
//! | `clock`, `socket` | the timestamp clock; socket options |
//!
//! Retransmission, loss recovery and congestion control are [`crate::recovery`]'s. Not modelled: security and
//! precedence (the third check), SACK compression, pacing.

use std::sync::Arc;

use crate::accecn::Mode;
use crate::buffer::SendBuffer;
use crate::cause::Rule;
use crate::config::Config;
use crate::error::Errno;
use crate::handshake::{Handshake, TimestampState};
use crate::info::{Info, Running, TimerKind};
use crate::isn::{Ends, Tuple};
use crate::offer::{self, TIMESTAMP_BYTES};
use crate::out::{Note, Out};
use crate::recovery;
use crate::seq::Seq;
use crate::state::{Input, State};
use crate::time::Time;

mod acking;
mod arrives;
mod burst;
mod calls;
mod chrono;
pub(crate) mod clock;
mod closing;
mod deliveries;
mod ecn;
mod emit;
mod fast_open;
mod icmp;
mod ingest;
pub(crate) mod limits;
mod memory;
mod mtu_search;
mod output;
mod path_mtu;
mod predicted;
mod rest;
pub(crate) mod socket;
mod stamps;
mod text;
mod timers;
mod urgent;
pub(crate) mod user_timeout;
mod window;

#[cfg(test)]
pub(crate) mod tests;

use acking::Acking;
use ecn::Ecn;
use fast_open::FastOpen;
use memory::Ledger;
use socket::Socket;
use timers::Timers;
use urgent::Urgent;
use window::Receive;

/// A synchronized connection.
#[derive(Clone, Hash)]
pub struct Connection {
    config: Arc<Config>,
    ends: Ends,
    state: State,
    snd: Send,
    rcv: Receive,
    ack: Acking,
    timers: Timers,
    /// TS.Recent and our clock's offset, if timestamps are in use (RFC 7323).
    ts: Option<TimestampState>,
    /// SACK is in use.
    sack: bool,
    ecn: Ecn,
    /// The program has closed: nobody will read what arrives.
    orphan: bool,
    /// `shutdown(SHUT_RD)`.
    read_shut: bool,
    /// The error that the program has still to see.
    error: Option<Errno>,
    /// An ICMP error that did not end the connection: what a timeout will report.
    soft_error: Option<Errno>,
    socket: Socket,
    /// Urgent data announced by the peer.
    urgent: Option<Box<Urgent>>,
    /// What Linux keeps account of (`Config::truesize`).
    ledger: Option<Box<Ledger>>,
    /// What Fast Open keeps, if it was used.
    fast_open: Option<Box<FastOpen>>,
    segs_in: u32,
    segs_out: u32,
}

/// The sending side, in the RFC's names. SND.UNA and SND.NXT are [`recovery::Sender::una`] and
/// [`nxt`](recovery::Sender::nxt).
#[derive(Clone, Hash)]
struct Send {
    /// ISS.
    iss: Seq,
    /// What is outstanding, and what to do about it.
    queue: recovery::Sender,
    /// The data, from SND.UNA on.
    buffer: SendBuffer,
    /// FIN stands behind the data.
    fin: bool,
    /// SND.WND, in bytes.
    wnd: u64,
    /// SND.WL1. SND.WL2 is SND.UNA: whatever moves that brings its window along.
    wl1: Seq,
    /// Largest SND.WND seen.
    max_wnd: u64,
    /// The peer's shift.
    shift: u8,
    /// Both sent the window scale option.
    scaled: bool,
    /// SND.UP: the number behind the last urgent octet, while that is not acknowledged.
    up: Option<Seq>,
    /// The number behind the last small segment sent (Minshall).
    small: Seq,
    /// The number behind the last write: the segment that holds the octet before it is pushed.
    push: Seq,
    /// A zero-window probe carried the octet below this number.
    probed: Option<Seq>,
    /// MSS as the peer and the path allow it, options not taken off, in bytes.
    mss: u16,
    /// The same as the peer and the interface allow it, whatever is known of the path.
    full_mss: u16,
    /// The same as the peer alone allows it.
    peer_mss: u16,
    /// Path MTU, in bytes.
    pmtu: u16,
    /// What ICMP said of it.
    path: Option<Box<path_mtu::PathMtu>>,
    /// What longer segments show of it.
    search: Option<Box<mtu_search::MtuSearch>>,
    /// A program was told that the buffer is full.
    starved: bool,
    /// The queue of the interface takes nothing, and says so (Linux `NET_XMIT_DROP`): nothing counts as sent, the window
    /// is reduced as after ECE, and what is due is tried again every half second.
    refused: bool,
}

impl Connection {
    /// The connection that begins with this handshake, in ESTABLISHED. The segment that completed the handshake is
    /// given to [`Tcb::on_segment`](crate::Tcb::on_segment) next, for its text.
    pub fn new(now: Time, handshake: Handshake) -> Connection {
        let socket = Socket::new(&handshake.config);
        Connection::with_socket(now, handshake, socket)
    }
    /// The same with the options of a socket that exists already.
    pub(crate) fn with_socket(now: Time, handshake: Handshake, mut socket: Socket) -> Connection {
        if handshake.config.buffers_in_segments {
            socket.round_buffers(u32::from(handshake.snd_mss.max(1)));
        }
        let search = mtu_search::MtuSearch::at_start(now, &handshake);
        let h = handshake;
        let config = h.config;
        let option_bytes = if h.timestamps.is_some() { TIMESTAMP_BYTES } else { 0 };
        let iss = Seq::initial(h.iss);
        let una = iss + 1 + u64::from(h.syn_acked);
        let irs = Seq::initial(h.irs);
        let rcv_mss = u32::from(h.rcv_mss.saturating_sub(option_bytes).max(1));
        let bounded = search.as_deref().filter(|search| search.binds());
        let mss =
            bounded.map_or(h.snd_mss, |search| h.snd_mss.min(offer::mss_of_mtu(&h.tuple, search.low())));
        let snd_mss = u32::from(mss.saturating_sub(option_bytes).max(1));
        let ecn = Ecn::new(h.ecn);
        let marked = config.accecn_syn_response && ecn.accurate.as_ref().is_some_and(|a| a.syn_marked);
        let begun = recovery::Handshake {
            rtt: h.rtt,
            retransmissions: h.retransmits,
            sack: h.sack,
            marked,
            ecn: ecn.on || ecn.accurate.is_some(),
            // The repeated SYN counts as lost data does, and the first data says CWR (Linux tcp_enter_loss).
            reduced: config.ecn_outlives_fallback && !h.passive && h.retransmits > 0,
        };
        // A first guess of the peer's segment size, low enough not to hold ACKs back (Linux tcp_initialize_rcv_mss).
        let guess = rcv_mss.min(snd_mss).min(h.rcv_wnd / 2).clamp(88, 536);
        let ledger = config.truesize.then(Box::default);
        let mut connection = Connection {
            snd: Send {
                iss,
                queue: recovery::Sender::new(now, una, snd_mss, begun, &config),
                buffer: SendBuffer::new(una),
                fin: false,
                wnd: u64::from(h.snd_wnd),
                wl1: Seq::near(irs + 1, h.snd_wl1),
                max_wnd: u64::from(h.snd_wnd),
                shift: h.wscale.map_or(0, |w| w.snd.min(offer::MAX_SHIFT)),
                scaled: h.wscale.is_some(),
                up: None,
                small: iss,
                push: una,
                probed: None,
                mss,
                full_mss: h.snd_mss,
                peer_mss: h.peer_mss,
                pmtu: h.mtu,
                path: None,
                search,
                starved: false,
                refused: false,
            },
            rcv: Receive::new(now, irs, h.rcv_wnd, h.wscale.map_or(0, |w| w.rcv), rcv_mss),
            ack: Acking::new(now, guess),
            timers: Timers::new(now),
            config,
            ends: Ends::new(h.tuple),
            state: State::Established,
            ts: h.timestamps,
            sack: h.sack,
            ecn,
            orphan: false,
            read_shut: false,
            error: None,
            soft_error: None,
            socket,
            urgent: None,
            ledger,
            fast_open: None,
            segs_in: 1,
            segs_out: 1,
        };
        connection.arm_keepalive(now, now);
        if connection.counts_truesize() {
            connection.grow_send_buffer();
            connection.init_rcv_memory();
        }
        connection
    }

    /// Changes the configuration.
    pub(crate) fn reconfigure(&mut self, apply: &dyn Fn(&mut Config)) {
        apply(Arc::make_mut(&mut self.config));
    }
    /// ISS and IRS.
    pub(crate) fn initial_numbers(&self) -> (crate::SeqNum, crate::SeqNum) {
        (self.snd.iss.wire(), self.rcv.irs.wire())
    }
    /// Changes the state: by the table of RFC 9293 and in no other way. Whether there was such a transition.
    fn transition(&mut self, input: Input, why: Rule, out: &mut Out) -> bool {
        let Some(next) = self.state.next(input) else { return false };
        out.state(self.state, next, why);
        self.state = next;
        true
    }
    /// Whether segments and timers no longer matter: CLOSED, or handed over to TIME-WAIT.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, State::Closed | State::TimeWait)
    }
    /// Whether this end may still send data or FIN.
    fn is_sending(&self) -> bool {
        !matches!(self.state, State::Closed | State::TimeWait | State::FinWait2)
    }
    /// The number behind everything that is queued, FIN included.
    fn queued_end(&self) -> Seq {
        self.snd.buffer.end() + u64::from(self.snd.fin)
    }
    /// Whether our FIN has been acknowledged.
    fn fin_acknowledged(&self) -> bool {
        self.snd.fin && self.snd.queue.una() == self.queued_end()
    }
    /// SND.UNA + SND.WND: the right edge of what the peer will take.
    fn window_end(&self) -> Seq {
        self.snd.queue.una() + self.snd.wnd
    }
    /// Notes that something happened.
    fn note(&self, what: Rule, out: &mut Out) {
        out.notes.push(Note::Happened(what));
    }
    /// Begins with a small window: large ones have failed on this path.
    pub(crate) fn be_modest(&mut self) {
        self.snd.queue.be_modest(&self.config);
    }
    /// Remembers an ICMP error from the time of the open.
    pub(crate) fn set_soft_error(&mut self, error: Option<Errno>) {
        self.soft_error = error;
    }

    // --- readings ------------------------------------------------------------------------------------------------

    /// The state.
    pub fn state(&self) -> State {
        self.state
    }
    /// The four-tuple.
    pub fn tuple(&self) -> Tuple {
        self.ends.tuple()
    }
    /// A reading for `ss` and `netstat`.
    pub fn info(&self, now: Time) -> Info {
        let queue = &self.snd.queue;
        let counts = queue.counts();
        let mss = queue.mss();
        let (una, nxt) = (queue.una(), queue.nxt());
        Info {
            state: self.state,
            recv_q: self.rcv.buffer.unread(),
            send_q: self.queued_end().since(una),
            timer: self.running_timer(now),
            retries: self.unanswered(),
            mss: mss.min(65_535) as u16,
            advmss: self.rcv.mss.min(65_535) as u16,
            pmtu: self.snd.pmtu,
            wscale: self.snd.scaled.then_some((self.rcv.shift, self.snd.shift)),
            timestamps: self.ts.is_some(),
            sack: self.sack,
            ecn: self.ecn.mode() != Mode::Off,
            accecn: self.ecn.accurate.as_ref().map(|accurate| accurate.info()),
            syn_data: self.fast_open.as_ref().is_some_and(|fast| fast.data_taken),
            fast_open_fail: self.fast_open.as_ref().map_or_else(Default::default, |fast| fast.fail),
            srtt: queue.srtt(),
            rttvar: queue.rttvar(),
            min_rtt: queue.min_rtt(),
            rto: queue.rto(&self.config),
            ato: self.ack.ato,
            cwnd: (queue.cwnd() / u64::from(mss.max(1))) as u32,
            ssthresh: (queue.ssthresh() != u64::MAX)
                .then(|| (queue.ssthresh() / u64::from(mss.max(1))) as u32),
            snd_wnd: self.snd.wnd,
            rcv_wnd: self.rcv.window(),
            unacked: counts.unacked,
            lost: counts.lost,
            sacked: counts.sacked,
            retransmitted: counts.retransmitted,
            bytes_acked: una.since(self.snd.iss + 1),
            bytes_received: self.rcv.buffer.nxt().since(self.rcv.irs + 1),
            held: self.rcv.buffer.held(),
            segs_out: self.segs_out,
            segs_in: self.segs_in,
            snd_una: una.since(self.snd.iss),
            snd_nxt: nxt.since(self.snd.iss),
            rcv_nxt: self.rcv.nxt().since(self.rcv.irs),
            congestion: queue.controller(),
            notsent: self.queued_end().since(nxt),
            snd_buf: self.socket.snd_buf,
            rcv_buf: self.socket.rcv_buf,
            tally: self.tally(now),
            congestion_info: queue.congestion_info(),
            pacing_rate: queue.pacing_rate(),
        }
    }
    /// Records and octets that are kept: see [`Tcb::load`](crate::Tcb::load).
    #[inline]
    pub fn load(&self) -> (usize, u64) {
        let buffer = &self.rcv.buffer;
        let octets = buffer.unread() + buffer.held() + self.snd.buffer.len();
        (self.snd.queue.records() + buffer.pieces_held(), octets)
    }
    /// The timers that run.
    pub fn running(&self) -> Running {
        if self.is_over() {
            return Running::default();
        }
        let set = |at: Time| (at != Time::NEVER).then_some(at);
        Running {
            retransmit: self.snd.queue.deadline().map(|(at, _)| at),
            persist: set(self.timers.persist),
            idle: set(self.timers.idle),
            ack: set(self.ack.deadline),
        }
    }
    /// The timer that `ss` would show.
    fn running_timer(&self, now: Time) -> Option<(TimerKind, Time)> {
        let _ = now;
        if self.is_over() {
            return None;
        }
        let later = [
            (TimerKind::Persist, self.timers.persist),
            (TimerKind::Keepalive, self.timers.idle),
            (TimerKind::DelayedAck, self.ack.deadline),
        ];
        let first = self.snd.queue.deadline().map(|(at, _)| (TimerKind::Retransmit, at));
        first.or_else(|| later.into_iter().find(|(_, at)| *at != Time::NEVER))
    }
    /// Retransmissions or probes without an answer.
    fn unanswered(&self) -> u32 {
        let probes = u32::from(self.timers.probes);
        if self.snd.queue.flight() > 0 { self.snd.queue.retries() } else { probes }
    }
}
