//! LISTEN and passive SYN-RECEIVED: the queue of half-open requests and the accept queue.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU16;
use std::sync::Arc;

use self::request::{Agreed, Request, Verdict, refuse};
use self::timers::Timers;
use crate::cause::Rule;
use crate::config::{Config, SynCookies};
use crate::connection::Connection;
use crate::cookie;
use crate::fast_open::{self, Obstacle, SERVER_ALWAYS, SERVER_NO_COOKIE, Server};
use crate::handshake::TimestampState;
use crate::isn::{IsnSecret, Tuple};
use crate::out::{EcnCodepoint, Note, Out, Outgoing};
use crate::segment::{Flags, Segment, Timestamps};
use crate::seq::SeqNum;
use crate::state::State;
use crate::tcb::{IcmpError, SocketOption, Tcb};
use crate::time::Time;

pub(crate) mod request;
mod timers;

/// A passive socket: one for each port that a program listens on.
///
/// Segments whose four-tuple has no [`Tcb`] come here. A completed handshake becomes a [`Tcb`], which the host keeps
/// under its four-tuple, and waits in the accept queue until the program takes it.
///
/// Both queues are bounded as Linux bounds them: `backlog` + 1 connections wait for accept(2), and without SYN
/// cookies as many requests are half open; a SYN beyond that is dropped, or answered with a cookie.
#[derive(Clone, Hash)]
pub struct Listener {
    config: Arc<Config>,
    backlog: u32,
    accepted: VecDeque<Tuple>,
    requests: BTreeMap<Tuple, Request>,
    timers: Timers,
    /// Requests whose SYN-ACK was not yet repeated by the timer.
    young: usize,
    fast_open: Server,
    /// When the last cookie was sent: only for a while after it is an ACK looked at as the answer to one.
    last_cookie: Option<Time>,
}

/// A segment for a listener, and what the host knows of the way it came.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// The connection it belongs to or would begin.
    pub tuple: Tuple,
    /// MTU of the path back as far as it is known, in bytes.
    pub mtu: u16,
    /// The segment.
    pub segment: &'a Segment,
    /// ECN field of the IP header that carried it.
    pub ecn: EcnCodepoint,
    /// This SYN ends a TIME-WAIT ([`TimeWaitOutcome::NewSyn`](crate::time_wait::TimeWaitOutcome)): our initial
    /// sequence number is to be above this one.
    pub reopens: Option<SeqNum>,
}

/// A half-open request, for `ss` and `netstat` (SYN-RECV).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestInfo {
    /// Its four-tuple.
    pub tuple: Tuple,
    /// When the SYN-ACK is repeated next.
    pub deadline: Time,
    /// How often it was repeated by the timer.
    pub retries: u8,
}

impl Listener {
    /// A listener whose accept queue holds `backlog` + 1 connections, as Linux counts them; the backlog is cut to
    /// [`Config::somaxconn`].
    pub fn new(config: Arc<Config>, backlog: u32) -> Listener {
        let backlog = backlog.min(config.somaxconn);
        let always = config.fast_open & SERVER_ALWAYS != 0;
        Listener {
            backlog,
            fast_open: Server::new(if always { backlog } else { 0 }),
            config,
            accepted: VecDeque::new(),
            requests: BTreeMap::new(),
            timers: Timers::default(),
            young: 0,
            last_cookie: None,
        }
    }
    /// Changes the backlog: a second listen(2).
    pub fn set_backlog(&mut self, backlog: u32) {
        self.backlog = backlog.min(self.config.somaxconn);
    }
    /// Changes how connections behave that begin from now on.
    pub fn reconfigure(&mut self, apply: &dyn Fn(&mut Config)) {
        apply(Arc::make_mut(&mut self.config));
    }
    /// Sets an option of the listening socket that shows in its SYN-ACKs: the receive buffer, the MSS. Others are
    /// for the host to set on the connections.
    pub fn set_option(&mut self, option: SocketOption) {
        match option {
            SocketOption::RcvBuf(bytes) => {
                let config = Arc::make_mut(&mut self.config);
                config.rcv_buf = config.asked_rcv_buf(bytes);
                config.rcv_buf_max = config.rcv_buf;
            }
            SocketOption::MaxSeg(mss) => Arc::make_mut(&mut self.config).mss = Some(mss),
            SocketOption::DeferAccept(count) => Arc::make_mut(&mut self.config).defer_accept = count,
            SocketOption::FastOpen(limit) => self.fast_open.limit = limit.min(self.config.somaxconn),
            SocketOption::FastOpenNoCookie(true) => {
                Arc::make_mut(&mut self.config).fast_open |= SERVER_NO_COOKIE;
            }
            SocketOption::FastOpenKeys(keys) => Arc::make_mut(&mut self.config).fast_open_keys = keys,
            _ => {}
        }
    }

    /// SEGMENT ARRIVES (RFC 9293, section 3.10.7.2, and 3.10.7.4 for SYN-RECEIVED). A handshake that this segment
    /// completes is returned as a connection, which has already seen the segment's text and stands in the accept
    /// queue. Replies, resets included, are in `out`.
    pub fn on_segment(
        &mut self,
        now: Time,
        incoming: &Incoming<'_>,
        secret: &IsnSecret,
        out: &mut Out,
    ) -> Option<Tcb> {
        let segment = incoming.segment;
        if self.requests.contains_key(&incoming.tuple) {
            return self.on_request(now, incoming, out);
        }
        let rst = segment.has(Flags::RST);
        if segment.has(Flags::ACK) && !rst {
            return self.on_ack(now, incoming, secret, out);
        }
        // A SYN with FIN is nobody's honest beginning; one from ourselves would be answered for ever (LAND).
        let own = incoming.tuple.local == incoming.tuple.remote;
        if rst || own || !segment.has(Flags::SYN) || segment.has(Flags::FIN) {
            out.notes.push(Note::Dropped(Rule::ListenIgnores));
            return None;
        }
        self.on_syn(now, incoming, secret, out)
    }

    /// A SYN in LISTEN (section 3.10.7.2, third).
    fn on_syn(
        &mut self,
        now: Time,
        incoming: &Incoming<'_>,
        secret: &IsnSecret,
        out: &mut Out,
    ) -> Option<Tcb> {
        let cookie = match self.admit(incoming) {
            Ok(cookie) => cookie,
            Err(rule) => {
                out.notes.push(Note::Dropped(rule));
                return None;
            }
        };
        if incoming.reopens.is_some() {
            out.state(State::TimeWait, State::Closed, Rule::TimeWaitReused);
        }
        let agreed = Agreed::on_syn(&self.config, incoming);
        if cookie {
            self.send_cookie(now, incoming, agreed.in_cookie(), secret, out);
            return None;
        }
        let tuple = incoming.tuple;
        let iss = self.choose_isn(now, incoming, secret);
        let mut request = Request::new(now, incoming, agreed, iss, secret.timestamp_offset(&tuple));
        let verdict = self.judge_fast_open(now, incoming, secret, out);
        request.put_fast_open(verdict, incoming.segment);
        if matches!(verdict, fast_open::Verdict::Accept(_)) {
            return Some(self.open_fast(now, incoming, request, out));
        }
        out.state(State::Listen, State::SynReceived, Rule::SynAnswered);
        request.send(now, &self.config, &tuple, Rule::SynAnswered, out);
        if self.config.two_way_handshake {
            return Some(self.complete(now, incoming, &request, Rule::TwoWayHandshake, out));
        }
        self.timers.start(now, &self.config, (tuple, &mut request));
        self.requests.insert(tuple, request);
        self.young += 1;
        None
    }
    /// What Fast Open makes of a SYN (RFC 7413, section 4.2).
    fn judge_fast_open(
        &mut self,
        now: Time,
        incoming: &Incoming<'_>,
        secret: &IsnSecret,
        out: &mut Out,
    ) -> fast_open::Verdict {
        let syn = (&incoming.tuple, incoming.segment);
        let (verdict, obstacle) = self.fast_open.judge(now, &self.config, syn, secret);
        match (verdict, obstacle) {
            (_, Some(Obstacle::BadCookie)) => out.notes.push(Note::Happened(Rule::FastOpenBadCookie)),
            (_, Some(Obstacle::TooMany)) => out.notes.push(Note::Happened(Rule::FastOpenFull)),
            (fast_open::Verdict::Offer(_), None) => out.notes.push(Note::Happened(Rule::FastOpenOffer)),
            _ => {}
        }
        verdict
    }
    /// The connection that a SYN with a good cookie begins at once.
    fn open_fast(&mut self, now: Time, incoming: &Incoming<'_>, request: Request, out: &mut Out) -> Tcb {
        let Incoming { tuple, segment, ecn, .. } = *incoming;
        out.state(State::Listen, State::SynReceived, Rule::FastOpenAccepted);
        let handshake = request.handshake(now, &self.config, tuple, segment);
        let mut connection = Box::new(Connection::new(now, handshake));
        let heard = request.user_timeout;
        connection.begin_fast_server(now, Box::new(request), (segment, ecn), out);
        connection.begin_user_timeout(heard, out);
        self.accepted.push_back(tuple);
        self.fast_open.begun();
        Tcb::Open(connection)
    }
    /// A connection that this listener has begun by Fast Open is pending no more.
    pub fn fast_open_settled(&mut self, now: Time, reset: bool) {
        self.fast_open.over(now, reset);
    }
    /// Whether there is room for one more request, or else whether a cookie is to be sent.
    fn admit(&self, incoming: &Incoming<'_>) -> Result<bool, Rule> {
        let held = self.requests.len();
        let bound = self.config.max_syn_backlog as usize;
        let full = held > self.backlog as usize;
        let cookie = match self.config.syn_cookies {
            // What was in TIME-WAIT is no spoofed flood, and uses no more than it used before.
            _ if incoming.reopens.is_some() => held >= bound,
            SynCookies::Always => true,
            SynCookies::UnderPressure => full || held >= bound,
            // The last quarter is for peers that are known, which is not modelled.
            SynCookies::Off if full || held >= bound - bound / 4 => return Err(Rule::RequestQueueFull),
            SynCookies::Off => false,
        };
        if cookie && self.config.syn_cookies == SynCookies::Off {
            return Err(Rule::RequestQueueFull);
        }
        if self.accept_queue_full() { Err(Rule::AcceptQueueFull) } else { Ok(cookie) }
    }
    /// Above what an earlier connection in TIME-WAIT has used (RFC 9293, section 3.6.1).
    fn choose_isn(&self, now: Time, incoming: &Incoming<'_>, secret: &IsnSecret) -> SeqNum {
        let isn = secret.isn(self.config.isn, &incoming.tuple, now);
        let follows = |above| self.config.isn_follows_time_wait || (isn.distance_from(above) as i32) <= 0;
        incoming.reopens.filter(|above| follows(*above)).map_or(isn, |above| above.add(65_537))
    }

    /// A segment for a half-open request.
    fn on_request(&mut self, now: Time, incoming: &Incoming<'_>, out: &mut Out) -> Option<Tcb> {
        let tuple = incoming.tuple;
        let full = self.accept_queue_full();
        let request = self.requests.get_mut(&tuple)?;
        match request.on_segment(now, &self.config, incoming, out) {
            Verdict::Stays => {}
            Verdict::Answered => {
                self.timers.stop(request);
                self.timers.start(now, &self.config, (tuple, request));
            }
            Verdict::Ends(why) => {
                // The open was passive: back to where it came from (RFC 9293, section 3.5, MUST-11).
                self.remove(&tuple);
                out.state(State::SynReceived, State::Listen, why);
            }
            // Data is waited for.
            Verdict::Completes
                if request.retries < self.config.defer_accept && incoming.segment.seq_len() == 0 =>
            {
                request.acked = true;
                out.notes.push(Note::Dropped(Rule::AcceptDeferred));
            }
            Verdict::Completes if full && self.config.abort_on_overflow => {
                self.remove(&tuple);
                refuse(&self.config, incoming.segment, Rule::AcceptQueueFull, out);
                out.state(State::SynReceived, State::Closed, Rule::AcceptQueueFull);
            }
            // As if it had been lost: the SYN-ACK will be repeated, and answered again.
            Verdict::Completes if full => out.notes.push(Note::Dropped(Rule::AcceptQueueFull)),
            Verdict::Completes => {
                let request = self.remove(&tuple)?;
                return Some(self.complete(now, incoming, &request, Rule::HandshakeComplete, out));
            }
        }
        None
    }
    /// An ICMP error that quotes a segment of ours to `tuple` with this sequence number. Whether there is such a
    /// request. A hard error ends it (RFC 9293, section 3.9.2.2) or, under Linux, a soft one; nobody is told, since no
    /// program knows of it yet.
    pub fn on_icmp(&mut self, tuple: &Tuple, error: IcmpError, seq: SeqNum, out: &mut Out) -> bool {
        let Some(request) = self.requests.get_mut(tuple) else { return false };
        if seq != request.iss {
            out.notes.push(Note::Dropped(Rule::IcmpOutOfWindow));
            return true;
        }
        let ends = match error {
            IcmpError::Hard(_) => self.config.icmp_hard_errors,
            IcmpError::Soft(_) | IcmpError::Other(_) => {
                let again = request.unreachable();
                // FreeBSD counts the first SYN-ACK as well (`syncache_unreach`).
                self.config.soft_error_ends_open(again, request.retries + 1)
            }
            // A SYN-ACK is never too large.
            IcmpError::TooBig(_) => return true,
        };
        if ends {
            self.remove(tuple);
            out.state(State::SynReceived, State::Closed, Rule::IcmpRefused);
        } else {
            out.notes.push(Note::Happened(Rule::IcmpSoft));
        }
        true
    }
    fn remove(&mut self, tuple: &Tuple) -> Option<Request> {
        let request = self.requests.remove(tuple)?;
        self.timers.stop(&request);
        self.young -= usize::from(request.retries == 0);
        Some(request)
    }
    /// The connection that a request becomes, and what the segment that completed it has to say to it.
    fn complete(
        &mut self,
        now: Time,
        incoming: &Incoming<'_>,
        request: &Request,
        why: Rule,
        out: &mut Out,
    ) -> Tcb {
        let Incoming { tuple, segment, ecn, .. } = *incoming;
        let handshake = request.handshake(now, &self.config, tuple, segment);
        out.state(State::SynReceived, State::Established, why);
        let mut connection = Box::new(Connection::new(now, handshake));
        connection.begin_user_timeout(request.user_timeout, out);
        let carries_text = segment.seq_len() > 0 || segment.has(Flags::URG);
        if !segment.has(Flags::SYN) && !carries_text {
            connection.count_handshake_packet(ecn);
        }
        let mut tcb = Tcb::Open(connection);
        if !segment.has(Flags::SYN) && carries_text {
            tcb.on_segment(now, segment, ecn, out);
        }
        self.accepted.push_back(tuple);
        tcb
    }

    /// Answers a SYN and forgets it.
    fn send_cookie(
        &mut self,
        now: Time,
        incoming: &Incoming<'_>,
        agreed: Agreed,
        secret: &IsnSecret,
        out: &mut Out,
    ) {
        let Incoming { tuple, mtu, segment: syn, .. } = incoming;
        let mss = agreed.mss.map_or_else(|| crate::offer::default_mss(tuple), NonZeroU16::get);
        let iss = cookie::issue(secret, tuple, syn.seq, mss, now);
        let offset = secret.timestamp_offset(tuple);
        let clock = TimestampState::default().val(now);
        let val = agreed.cookie_options().into_timestamp(clock).wrapping_add(offset);
        let timestamps = Timestamps { val, ecr: syn.options.timestamps.map_or(0, |ts| ts.val) };
        let mut segment = agreed.syn_ack(&self.config, tuple, *mtu, (iss, syn.seq), timestamps);
        agreed.put_ecn(&mut segment, &self.config, incoming.ecn, (0, 0));
        out.segments.push(Outgoing { segment, why: Rule::SynCookieSent, ecn: EcnCodepoint::NotEct });
        self.last_cookie = Some(now);
    }
    /// An ACK in LISTEN: the answer to a cookie, or to nothing (section 3.10.7.2, second).
    fn on_ack(
        &mut self,
        now: Time,
        incoming: &Incoming<'_>,
        secret: &IsnSecret,
        out: &mut Out,
    ) -> Option<Tcb> {
        let Incoming { tuple, segment, .. } = incoming;
        let waited_for = self.config.syn_cookies != SynCookies::Off
            && self.last_cookie.is_some_and(|at| now.since(at) < cookie::VALID)
            && !segment.has(Flags::SYN);
        let (irs, iss) = (segment.seq.add(u32::MAX), segment.ack.add(u32::MAX));
        let mss = if waited_for { cookie::check(secret, tuple, irs, iss, now) } else { None };
        let Some(mss) = mss else {
            let why = if waited_for { Rule::SynCookieInvalid } else { Rule::ListenGotAck };
            refuse(&self.config, segment, why, out);
            return None;
        };
        if self.accept_queue_full() {
            out.notes.push(Note::Dropped(Rule::AcceptQueueFull));
            return None;
        }
        let offset = secret.timestamp_offset(tuple);
        let ticks = segment.options.timestamps.map(|ts| ts.ecr.wrapping_sub(offset));
        let agreed = Agreed::from_cookie(&self.config, mss, ticks, segment.flags);
        let request = Request::of_cookie(now, incoming, agreed, iss, offset);
        out.state(State::Listen, State::SynReceived, Rule::SynCookieAccepted);
        Some(self.complete(now, incoming, &request, Rule::HandshakeComplete, out))
    }

    /// Serves one request whose deadline has come and tells which; to be called until it returns `None`.
    pub fn on_deadline(&mut self, now: Time, out: &mut Out) -> Option<Tuple> {
        let tuple = self.timers.pop(now)?;
        let limit = self.retry_limit();
        let request = self.requests.get_mut(&tuple)?;
        let defer = self.config.defer_accept;
        if request.retries >= limit && (defer == 0 || !request.acked || request.retries >= defer) {
            self.young -= usize::from(request.retries == 0);
            self.requests.remove(&tuple);
            out.state(State::SynReceived, State::Closed, Rule::SynAckGivesUp);
            return Some(tuple);
        }
        self.young -= usize::from(request.retries == 0);
        request.retries += 1;
        // Who has acknowledged hears nothing until the wait for data is nearly over.
        if !request.acked || request.retries >= defer {
            request.repeat(now, &self.config, &tuple, Rule::SynAckRetransmit, out);
        }
        self.timers.start(now, &self.config, (tuple, request));
        Some(tuple)
    }
    /// How often a SYN-ACK is repeated: less often when the queue is more than half full of old requests (RFC 4987,
    /// section 3.3, as Linux does it).
    fn retry_limit(&self) -> u8 {
        let held = self.requests.len();
        let mut limit = self.config.synack_retries;
        if held * 2 > (self.backlog as usize).max(8) {
            let mut young = self.young * 2;
            while limit > 2 && held >= young {
                limit -= 1;
                young = young.saturating_mul(2);
            }
        }
        limit
    }
    /// When `on_deadline` wants to be called next; [`Time::NEVER`] if no timer runs.
    pub fn deadline(&self) -> Time {
        self.timers.first()
    }

    /// ACCEPT: the four-tuple of the connection that has waited longest.
    pub fn accept(&mut self) -> Option<Tuple> {
        self.accepted.pop_front()
    }
    fn accept_queue_full(&self) -> bool {
        self.accepted.len() > self.backlog as usize
    }
    /// Connections that wait for [`accept`](Listener::accept): Recv-Q of `ss -l`.
    pub fn waiting(&self) -> usize {
        self.accepted.len()
    }
    /// The backlog: Send-Q of `ss -l`.
    pub fn backlog(&self) -> u32 {
        self.backlog
    }
    /// Half-open requests.
    pub fn half_open(&self) -> usize {
        self.requests.len()
    }
    /// The half-open requests, by four-tuple.
    pub fn requests(&self) -> impl Iterator<Item = RequestInfo> + '_ {
        self.requests.iter().map(|(tuple, request)| RequestInfo {
            tuple: *tuple,
            deadline: request.deadline,
            retries: request.retries,
        })
    }
}

#[cfg(test)]
mod tests;
