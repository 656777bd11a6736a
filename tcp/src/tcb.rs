//! The four lifetimes behind one face: what a host keeps under a four-tuple.
//!
//! Listening is [`Listener`](crate::Listener). Opening (SYN-SENT, SYN-RECEIVED), [`Connection`] (synchronized) and
//! [`TimeWait`] are the variants of [`Tcb`]; a call moves a `Tcb` from one to the next.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::config::Config;
use crate::connection::Connection;
use crate::error::Errno;
use crate::fast_open::FastConnect;
use crate::info::{Info, Running};
use crate::isn::{IsnSecret, Tuple};
use crate::opening::Opening;
use crate::out::{EcnCodepoint, Out};
use crate::payload::Payload;
use crate::resting::{Folder, Resting};
use crate::segment::{Segment, Timestamps};
use crate::state::State;
use crate::time::Time;
use crate::time_wait::TimeWait;

pub use crate::socket_option::SocketOption;

/// What a host keeps under a four-tuple.
#[derive(Clone)]
pub enum Tcb {
    /// SYN-SENT, or SYN-RECEIVED after a simultaneous open.
    Opening(Box<Opening>),
    /// ESTABLISHED and later, or CLOSED with data or an error left to collect.
    Open(Box<Connection>),
    /// TIME-WAIT.
    TimeWait(Box<TimeWait>),
    /// A connection at rest, folded: the next call that may change it finds it `Open`.
    Resting(Resting),
}

/// One that is not folded.
enum Live<'a> {
    Opening(&'a mut Opening),
    Open(&'a mut Connection),
    TimeWait(&'a mut TimeWait),
}

/// Whether a connection is folded makes no difference to what will happen.
impl Hash for Tcb {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Tcb::Opening(opening) => (0u8, opening).hash(state),
            Tcb::Open(connection) => (1u8, connection).hash(state),
            Tcb::Resting(resting) => (1u8, resting).hash(state),
            Tcb::TimeWait(record) => (2u8, record).hash(state),
        }
    }
}

/// How a write is to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SendFlags {
    /// The last octet is urgent (`MSG_OOB`).
    pub urgent: bool,
    /// More will follow (`MSG_MORE`).
    pub more: bool,
    /// The record ends here: no later data joins its last segment (`MSG_EOR`).
    pub eor: bool,
}

/// What a read brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// Data, in order.
    Data(Payload),
    /// The peer has sent FIN and everything before it was read.
    Eof,
}

/// What a host knows of an ICMP error that quotes one of our segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpError {
    /// Network or host unreachable: soft. The errno that reports it.
    Soft(Errno),
    /// Time exceeded, a filter, and what else may happen on the way: soft, but it does not tell that the path is gone
    /// (RFC 6069, section 3). The errno that reports it.
    Other(Errno),
    /// Protocol or port unreachable: hard. The errno that reports it.
    Hard(Errno),
    /// Fragmentation needed: MTU of the next hop, in bytes (RFC 1191); zero from an old router.
    TooBig(u16),
}

/// What an active open needs to know.
#[derive(Clone)]
pub struct Connect {
    /// The connection's four-tuple.
    pub tuple: Tuple,
    /// MTU of the path as far as it is known, in bytes.
    pub mtu: u16,
    /// How this end behaves.
    pub config: Arc<Config>,
    /// Options set on the socket beforehand.
    pub options: Vec<SocketOption>,
    /// What is left of a connection in TIME-WAIT that this one takes the place of.
    pub reuses: Option<TimeWait>,
}

impl Tcb {
    /// Folds the connection, if it is at rest: it takes a tenth of the memory until the next call. Whether it is folded now.
    pub fn rest(&mut self, folder: &mut Folder) -> bool {
        let Tcb::Open(connection) = self else { return matches!(self, Tcb::Resting(_)) };
        if !connection.is_still() {
            return false;
        }
        let Some(resting) = folder.fold(connection) else { return false };
        if let Tcb::Open(place) = std::mem::replace(self, Tcb::Resting(resting)) {
            folder.keep(place);
        }
        true
    }
    /// Unfolds the connection, if it is folded. Any call that may change it does so too, but finds no place that is free.
    #[inline]
    pub fn wake(&mut self, folder: &mut Folder) {
        if let Tcb::Resting(resting) = self {
            *self = Tcb::Open(folder.unfold(resting));
        }
    }
    #[inline]
    fn awake(&mut self) -> Live<'_> {
        if let Tcb::Resting(resting) = self {
            *self = Tcb::Open(Box::new(resting.unfold()));
        }
        match self {
            Tcb::Opening(opening) => Live::Opening(opening),
            Tcb::Open(connection) => Live::Open(connection),
            Tcb::TimeWait(record) => Live::TimeWait(record),
            Tcb::Resting(_) => unreachable!("it was unfolded"),
        }
    }
    /// OPEN, active (RFC 9293, section 3.10.1): sends the SYN.
    pub fn connect(now: Time, what: Connect, secret: &IsnSecret, out: &mut Out) -> Tcb {
        Tcb::Opening(Box::new(Opening::connect(now, what, secret, out)))
    }
    /// The same with Fast Open (RFC 7413), and how many octets of the data went with the SYN.
    pub fn connect_fast(
        now: Time,
        what: Connect,
        ask: FastConnect,
        secret: &IsnSecret,
        out: &mut Out,
    ) -> (Tcb, u32) {
        let opening = Opening::connect_fast(now, what, Some(ask), secret, out);
        let taken = opening.syn_data();
        (Tcb::Opening(Box::new(opening)), taken)
    }
    /// A program has accepted it.
    pub fn accepted(&mut self) {
        if let Live::Open(connection) = self.awake() {
            connection.accepted();
        }
    }
    /// ISS of an active open that is not yet complete.
    pub fn opening_iss(&self) -> Option<crate::SeqNum> {
        match self {
            Tcb::Opening(opening) => Some(opening.iss()),
            Tcb::Open(_) | Tcb::TimeWait(_) | Tcb::Resting(_) => None,
        }
    }
    /// SEGMENT ARRIVES (section 3.10.7). `ecn` is the field of the IP header that carried it.
    ///
    /// What a segment means for a record in TIME-WAIT beyond its answer, [`TimeWait::on_segment`] tells: a host calls
    /// that itself.
    pub fn on_segment(&mut self, now: Time, segment: &Segment, ecn: EcnCodepoint, out: &mut Out) {
        match self.awake() {
            Live::Opening(opening) => {
                if let Some(connection) = opening.on_segment(now, segment, ecn, out) {
                    *self = Tcb::Open(connection);
                }
            }
            Live::Open(connection) => connection.on_segment(now, segment, ecn, out),
            Live::TimeWait(record) => {
                record.on_segment(now, segment, out);
            }
        }
    }
    /// A deadline may have come (section 3.10.8). Early calls do nothing.
    pub fn on_deadline(&mut self, now: Time, out: &mut Out) {
        match self.awake() {
            Live::Opening(opening) => opening.on_deadline(now, out),
            Live::Open(connection) => connection.on_deadline(now, out),
            Live::TimeWait(record) => {
                record.on_deadline(now, out);
            }
        }
    }
    /// When `on_deadline` wants to be called next; [`Time::NEVER`] if no timer runs.
    pub fn deadline(&self) -> Time {
        match self {
            Tcb::Opening(opening) => opening.deadline(),
            Tcb::Open(connection) => connection.deadline(),
            Tcb::Resting(resting) => resting.deadline(),
            Tcb::TimeWait(record) => record.deadline(),
        }
    }
    /// An ICMP error that quotes a segment of ours with sequence number `seq` arrived.
    pub fn on_icmp(&mut self, now: Time, error: IcmpError, seq: crate::SeqNum, out: &mut Out) {
        match self.awake() {
            Live::Opening(opening) => opening.on_icmp(now, error, seq, out),
            Live::Open(connection) => connection.on_icmp(now, error, seq, out),
            Live::TimeWait(_) => {}
        }
    }
    /// Another connection has learnt that packets to the same address fit only up to `mtu` bytes (RFC 8201, section 5.2).
    pub fn on_path_mtu(&mut self, now: Time, mtu: u16) {
        match self.awake() {
            Live::Opening(opening) => opening.on_path_mtu(mtu),
            Live::Open(connection) => connection.on_path_mtu(now, mtu),
            Live::TimeWait(_) => {}
        }
    }
    /// The route to the peer has another MTU, in bytes, which is no news of the path beyond it.
    pub fn on_route_mtu(&mut self, mtu: u16) {
        if let Live::Open(connection) = self.awake() {
            connection.on_route_mtu(mtu);
        }
    }
    /// The link by which its packets leave has this MTU now, in bytes.
    pub fn on_link_mtu(&mut self, mtu: u16) {
        match self.awake() {
            Live::Opening(opening) => opening.on_link_mtu(mtu),
            Live::Open(connection) => connection.on_link_mtu(mtu),
            Live::TimeWait(_) => {}
        }
    }
    /// Large initial windows have failed on this path before: this connection, on which nothing was sent yet, begins with
    /// that of RFC 3390 (RFC 6928, section 12).
    pub fn be_modest(&mut self) {
        match self.awake() {
            Live::Opening(opening) => opening.be_modest(),
            Live::Open(connection) => connection.be_modest(),
            Live::TimeWait(_) => {}
        }
    }
    /// SEND (section 3.10.2): queues as much of `data` as the send buffer takes and returns how much that was.
    ///
    /// # Errors
    /// EPIPE after a close of this side or a failure already reported; EAGAIN when the buffer is full, or before the
    /// connection is open where data is not queued then; else the pending error of the socket.
    pub fn send(&mut self, now: Time, data: Payload, flags: SendFlags, out: &mut Out) -> Result<u32, Errno> {
        match self.awake() {
            Live::Opening(opening) => opening.send(data, flags),
            Live::Open(connection) => connection.send(now, data, flags, out),
            Live::TimeWait(_) => Err(Errno::EPIPE),
        }
    }
    /// RECEIVE (section 3.10.3): up to `max` bytes in order.
    ///
    /// # Errors
    /// EAGAIN when there is nothing to read; ENOTCONN once the open has failed; else the pending error of the socket, once.
    pub fn recv(&mut self, now: Time, max: u32, out: &mut Out) -> Result<Received, Errno> {
        match self.awake() {
            Live::Opening(opening) => Err(opening.not_open()),
            Live::Open(connection) => connection.recv(now, max, out),
            Live::TimeWait(_) => Ok(Received::Eof),
        }
    }
    /// The urgent octet (`MSG_OOB`). `peek`: it can be read once more (`MSG_PEEK`).
    ///
    /// # Errors
    /// EINVAL when there is none, or it was read, or it is in line; EAGAIN when it is announced but not yet here.
    pub fn recv_urgent(&mut self, peek: bool) -> Result<u8, Errno> {
        match self.awake() {
            Live::Open(connection) => connection.recv_urgent(peek),
            Live::Opening(_) | Live::TimeWait(_) => Err(Errno::EINVAL),
        }
    }
    /// Octets from the next one to be read up to the last urgent one, that one included; `None`: nothing urgent is ahead
    /// (RFC 9293, section 3.8.5).
    pub fn urgent_ahead(&self) -> Option<u64> {
        match self {
            Tcb::Open(connection) => connection.urgent_ahead(),
            Tcb::Resting(resting) => resting.unfold().urgent_ahead(),
            Tcb::Opening(_) | Tcb::TimeWait(_) => None,
        }
    }
    /// Closes the sending side: FIN behind what is queued (`shutdown(SHUT_WR)`).
    ///
    /// # Errors
    /// ENOTCONN when the connection is not open.
    pub fn shutdown_write(&mut self, now: Time, out: &mut Out) -> Result<(), Errno> {
        match self.awake() {
            Live::Opening(_) | Live::TimeWait(_) => Err(Errno::ENOTCONN),
            Live::Open(connection) => connection.shutdown_write(now, crate::Rule::ShutdownCall, out),
        }
    }
    /// CLOSE (section 3.10.4) by the last holder: from here on the connection is an orphan.
    pub fn close(&mut self, now: Time, out: &mut Out) {
        self.close_because(now, crate::Rule::CloseCall, out);
    }
    /// The same where the program did not ask for it: it was killed.
    pub fn close_because(&mut self, now: Time, why: crate::Rule, out: &mut Out) {
        match self.awake() {
            Live::Opening(opening) => opening.close(why, out),
            Live::Open(connection) => connection.close(now, why, out),
            Live::TimeWait(_) => {}
        }
    }
    /// ABORT (section 3.10.5): RST if the peer believes in the connection, then CLOSED.
    pub fn abort(&mut self, now: Time, why: crate::Rule, out: &mut Out) {
        match self.awake() {
            Live::Opening(opening) => opening.abort(why, out),
            Live::Open(connection) => connection.abort(now, why, out),
            Live::TimeWait(_) => {}
        }
    }
    /// Sets an option.
    ///
    /// # Errors
    /// EINVAL for a value that the option cannot take, or too late.
    pub fn set_option(&mut self, now: Time, option: SocketOption, out: &mut Out) -> Result<(), Errno> {
        match self.awake() {
            Live::Opening(opening) => opening.set_option(option),
            Live::Open(connection) => connection.set_option(now, option, out),
            Live::TimeWait(_) => Ok(()),
        }
    }
    /// The pending error, cleared by reading it (`SO_ERROR`).
    pub fn take_error(&mut self) -> Option<Errno> {
        match self.awake() {
            Live::Opening(opening) => opening.take_error(),
            Live::Open(connection) => connection.take_error(),
            Live::TimeWait(_) => None,
        }
    }
    /// The same, without clearing it.
    pub fn pending_error(&self) -> Option<Errno> {
        match self {
            Tcb::Opening(opening) => opening.pending_error(),
            Tcb::Open(connection) => connection.pending_error(),
            Tcb::Resting(resting) => resting.unfold().pending_error(),
            Tcb::TimeWait(_) => None,
        }
    }
    /// Whether this side can send no more: it has closed, or the connection is gone.
    pub fn is_write_shut(&self) -> bool {
        match self {
            Tcb::Opening(opening) => opening.state() == State::Closed,
            Tcb::Open(connection) => connection.is_write_shut(),
            Tcb::Resting(resting) => resting.unfold().is_write_shut(),
            Tcb::TimeWait(_) => true,
        }
    }
    /// Whether poll(2) says that there is room to write. Where it does not, [`Wake::writable`](crate::Wake) will tell
    /// when there is.
    pub fn poll_writable(&mut self) -> bool {
        match self.awake() {
            Live::Open(connection) => connection.poll_writable(),
            Live::Opening(_) => false,
            Live::TimeWait(_) => true,
        }
    }
    /// Whether urgent data is here that is read out of line.
    pub fn has_urgent(&self) -> bool {
        match self {
            Tcb::Open(connection) => connection.has_urgent(),
            Tcb::Resting(resting) => resting.unfold().has_urgent(),
            Tcb::Opening(_) | Tcb::TimeWait(_) => false,
        }
    }
    /// Up to `max` bytes from the `skip`th on, which stay where they are.
    ///
    /// # Errors
    /// As [`recv`](Tcb::recv); the pending error stays too.
    pub fn peek(&self, skip: u32, max: u32) -> Result<Received, Errno> {
        match self {
            Tcb::Opening(opening) => Err(opening.pending_error().unwrap_or(Errno::ENOTCONN)),
            Tcb::Open(connection) => connection.peek(skip, max),
            Tcb::Resting(resting) => resting.unfold().peek(skip, max),
            Tcb::TimeWait(_) => Ok(Received::Eof),
        }
    }
    /// Takes the connection apart (Linux: connect to `AF_UNSPEC`): RST if the peer believes in it, no error for the
    /// program here.
    pub fn disconnect(&mut self, now: Time, out: &mut Out) {
        let why = crate::Rule::DisconnectCall;
        match self.awake() {
            Live::Opening(opening) => opening.abort(why, out),
            Live::Open(connection) => connection.abort(now, why, out),
            Live::TimeWait(_) => {}
        }
    }
    /// Changes the configuration of a connection as far as it is still looked at; what was agreed on or measured stays.
    pub fn reconfigure(&mut self, apply: &dyn Fn(&mut Config)) {
        match self.awake() {
            Live::Opening(opening) => opening.reconfigure(apply),
            Live::Open(connection) => connection.reconfigure(apply),
            Live::TimeWait(_) => {}
        }
    }
    /// The queue of the interface takes nothing from now on, and says so; or takes everything again.
    pub fn set_interface_full(&mut self, full: bool) {
        if let Live::Open(connection) = self.awake() {
            connection.set_interface_full(full);
        }
    }
    /// A program holds the connection from now on: it was accepted.
    pub fn adopt(&mut self) {
        if let Live::Open(connection) = self.awake() {
            connection.adopt();
        }
    }
    /// `shutdown(SHUT_RD)`.
    pub fn shutdown_read(&mut self) {
        if let Live::Open(connection) = self.awake() {
            connection.shutdown_read();
        }
    }
    /// The next segment is several that the host has put together (as GRO does), each of this size; zero: it is one.
    pub fn set_merged(&mut self, size: u32) {
        if let Live::Open(connection) = self.awake() {
            connection.set_merged(size);
        }
    }
    /// The error that did not end the connection, if delivery has not gone on since: what ICMP said, or ETIMEDOUT once
    /// R1 was reached (RFC 9293, section 3.9.1.8). Reading it changes nothing.
    pub fn soft_error(&self) -> Option<Errno> {
        match self {
            Tcb::Opening(opening) => opening.soft_error(),
            Tcb::Open(connection) => connection.soft_error(),
            Tcb::Resting(resting) => resting.unfold().soft_error(),
            Tcb::TimeWait(_) => None,
        }
    }
    /// What ICMP said without ending the connection, cleared by reading it (Linux `sk_err_soft`).
    pub fn take_icmp_error(&mut self) -> Option<Errno> {
        // That R1 was reached is no error that the kernel keeps.
        let said = self.soft_error().filter(|errno| *errno != Errno::ETIMEDOUT)?;
        match self.awake() {
            Live::Opening(opening) => opening.clear_soft_error(),
            Live::Open(connection) => connection.set_soft_error(None),
            Live::TimeWait(_) => {}
        }
        Some(said)
    }
    /// The state.
    pub fn state(&self) -> State {
        match self {
            Tcb::Opening(opening) => opening.state(),
            Tcb::Open(connection) => connection.state(),
            Tcb::Resting(resting) => resting.state(),
            Tcb::TimeWait(_) => State::TimeWait,
        }
    }
    /// ISS and IRS of a connection that is, or was, synchronized: they tell its incarnations apart.
    pub fn initial_numbers(&self) -> Option<(crate::SeqNum, crate::SeqNum)> {
        match self {
            Tcb::Open(connection) => Some(connection.initial_numbers()),
            Tcb::Resting(resting) => Some(resting.unfold().initial_numbers()),
            Tcb::Opening(_) | Tcb::TimeWait(_) => None,
        }
    }
    /// Whether nothing keeps this alive but a program that may still read from it: CLOSED, or a connection whose
    /// TIME-WAIT has been handed over.
    pub fn is_closed(&self) -> bool {
        match self {
            Tcb::Open(connection) => connection.is_over(),
            Tcb::Resting(resting) => matches!(resting.state(), State::Closed | State::TimeWait),
            _ => self.state() == State::Closed,
        }
    }
    /// Bytes that `recv` would return now, and whether the end of the stream is behind them.
    pub fn readable(&self) -> (u64, bool) {
        match self {
            Tcb::Opening(opening) => (0, opening.state() == State::Closed),
            Tcb::Open(connection) => connection.readable(),
            Tcb::Resting(resting) => resting.unfold().readable(),
            Tcb::TimeWait(_) => (0, true),
        }
    }
    /// Whether the peer's FIN has been received, with everything before it: the end of the stream is where the peer put it,
    /// and not where the connection broke.
    pub fn end_received(&self) -> bool {
        match self {
            Tcb::Opening(_) => false,
            Tcb::Open(connection) => connection.end_received(),
            Tcb::Resting(resting) => resting.unfold().end_received(),
            Tcb::TimeWait(_) => true,
        }
    }
    /// Whether `recv` would fail with EAGAIN, and change nothing.
    pub fn would_block(&self) -> bool {
        match self {
            Tcb::Open(connection) => connection.would_block(),
            Tcb::Resting(resting) => resting.unfold().would_block(),
            Tcb::Opening(_) | Tcb::TimeWait(_) => false,
        }
    }
    /// Bytes that `send` would take now.
    pub fn writable(&self) -> u64 {
        match self {
            Tcb::Open(connection) => connection.writable(),
            Tcb::Resting(resting) => resting.unfold().writable(),
            Tcb::Opening(opening) => opening.writable(),
            Tcb::TimeWait(_) => 0,
        }
    }
    /// Records and octets that the connection keeps: segments in flight and pieces received; what is to be sent,
    /// acknowledged or read, or lies beyond a gap.
    pub fn load(&self) -> (usize, u64) {
        match self {
            Tcb::Open(connection) => connection.load(),
            Tcb::Opening(_) | Tcb::TimeWait(_) | Tcb::Resting(_) => (0, 0),
        }
    }
    /// The timers that run.
    pub fn running(&self) -> Running {
        match self {
            Tcb::Opening(opening) => {
                let at = opening.deadline();
                Running { retransmit: (at != Time::NEVER).then_some(at), ..Running::default() }
            }
            Tcb::Open(connection) => connection.running(),
            Tcb::Resting(resting) => resting.unfold().running(),
            Tcb::TimeWait(_) => Running::default(),
        }
    }
    /// The Timestamps option of a segment sent at `now`: its clock, and TS.Recent (RFC 7323, section 4.3), if it is in use.
    pub fn timestamps(&self, now: Time) -> Option<Timestamps> {
        match self {
            Tcb::Opening(opening) => opening.timestamps(now),
            Tcb::Open(connection) => connection.stamp(now),
            Tcb::Resting(resting) => resting.unfold().stamp(now),
            Tcb::TimeWait(record) => record.stamp(now),
        }
    }
    /// A reading for `ss` and `netstat`.
    pub fn info(&self, now: Time) -> Info {
        match self {
            Tcb::Opening(opening) => opening.info(),
            Tcb::Open(connection) => connection.info(now),
            Tcb::Resting(resting) => resting.unfold().info(now),
            Tcb::TimeWait(record) => record.info(),
        }
    }
}
