//! A host's counters, with Linux's names (`/proc/net/snmp`, `/proc/net/netstat`) where Linux has them.

use tcp::fast_open::News;
use tcp::{Flags, Rule, State};

macro_rules! counters {
    ($($(#[$doc:meta])* $field:ident: $name:literal;)*) => {
        /// A host's counters.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Counters { $($(#[$doc])* pub $field: u64,)* }

        impl Counters {
            /// The names of all counters, in this order.
            pub const NAMES: &[&str] = &[$($name,)*];
            /// The counter of this name.
            pub fn get(&self, name: &str) -> Option<u64> {
                match name { $($name => Some(self.$field),)* _ => None }
            }
            /// All names and values.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$(($name, self.$field),)*].into_iter()
            }
        }
    };
}

counters! {
    /// Packets that arrived.
    ip_in_receives: "IpInReceives";
    /// Packets that arrived and were not addressed here.
    ip_in_addr_errors: "IpInAddrErrors";
    /// Packets made here.
    ip_out_requests: "IpOutRequests";
    /// Fragments that arrived.
    ip_reasm_reqds: "IpReasmReqds";
    /// Packets put together from fragments.
    ip_reasm_oks: "IpReasmOKs";
    /// Reassemblies given up.
    ip_reasm_fails: "IpReasmFails";
    /// Packets cut into fragments here.
    ip_frag_oks: "IpFragOKs";
    /// ICMP messages that arrived.
    icmp_in_msgs: "IcmpInMsgs";
    /// ICMP messages sent.
    icmp_out_msgs: "IcmpOutMsgs";
    /// Active opens: SYN-SENT entered.
    tcp_active_opens: "TcpActiveOpens";
    /// Passive opens: connections that a listener completed or began (SYN-RECEIVED).
    tcp_passive_opens: "TcpPassiveOpens";
    /// Opens that failed: SYN-SENT or SYN-RECEIVED to CLOSED.
    tcp_attempt_fails: "TcpAttemptFails";
    /// ESTABLISHED or CLOSE-WAIT to CLOSED.
    tcp_estab_resets: "TcpEstabResets";
    /// Segments that arrived.
    tcp_in_segs: "TcpInSegs";
    /// Segments sent, without retransmissions.
    tcp_out_segs: "TcpOutSegs";
    /// Segments sent again.
    tcp_retrans_segs: "TcpRetransSegs";
    /// Segments with RST sent.
    tcp_out_rsts: "TcpOutRsts";
    /// Datagrams delivered.
    udp_in_datagrams: "UdpInDatagrams";
    /// Datagrams for a port that nobody reads.
    udp_no_ports: "UdpNoPorts";
    /// Datagrams sent.
    udp_out_datagrams: "UdpOutDatagrams";
    /// Datagrams dropped because a receive queue was full.
    udp_rcvbuf_errors: "UdpRcvbufErrors";
    /// A listener's accept queue was full.
    listen_overflows: "ListenOverflows";
    /// SYNs and handshake ACKs that a listener dropped.
    listen_drops: "ListenDrops";
    /// SYN cookies sent.
    syncookies_sent: "SyncookiesSent";
    /// Valid SYN cookies received.
    syncookies_recv: "SyncookiesRecv";
    /// Invalid SYN cookies received.
    syncookies_failed: "SyncookiesFailed";
    /// Connections that went through TIME-WAIT and out of it by its timer or were moved into it.
    tw: "TW";
    /// Connections that found no room in TIME-WAIT.
    tcp_time_wait_overflow: "TCPTimeWaitOverflow";
    /// TIME-WAIT records reused by a new open.
    tw_recycled: "TWRecycled";
    /// Segments dropped by PAWS.
    paws_estab: "PAWSEstab";
    /// Retransmission timeouts.
    tcp_timeouts: "TCPTimeouts";
    /// Tail loss probes.
    tcp_loss_probes: "TCPLossProbes";
    /// Fast retransmissions.
    tcp_fast_retrans: "TCPFastRetrans";
    /// Delayed ACKs sent.
    delayed_acks: "DelayedACKs";
    /// Challenge ACKs sent.
    tcp_challenge_ack: "TCPChallengeACK";
    /// Challenge ACKs in answer to a SYN.
    tcp_syn_challenge: "TCPSYNChallenge";
    /// Keepalive probes sent.
    tcp_keep_alive: "TCPKeepAlive";
    /// Window probes sent.
    tcp_win_probe: "TCPWinProbe";
    /// Connections closed with unread data: reset.
    tcp_abort_on_close: "TCPAbortOnClose";
    /// Connections reset by linger 0, or by data that nobody will read.
    tcp_abort_on_data: "TCPAbortOnData";
    /// Opens whose data in the SYN was acknowledged by the SYN-ACK (RFC 7413).
    tcp_fast_open_active: "TCPFastOpenActive";
    /// Opens whose data in the SYN was not.
    tcp_fast_open_active_fail: "TCPFastOpenActiveFail";
    /// Connections that a listener began with the data of their SYN.
    tcp_fast_open_passive: "TCPFastOpenPassive";
    /// SYNs with a cookie that is not ours.
    tcp_fast_open_passive_fail: "TCPFastOpenPassiveFail";
    /// SYNs for which too many such connections were pending.
    tcp_fast_open_listen_overflow: "TCPFastOpenListenOverflow";
    /// SYNs that asked for a cookie.
    tcp_fast_open_cookie_reqd: "TCPFastOpenCookieReqd";
    /// Times that a path was found to swallow Fast Open.
    tcp_fast_open_blackhole: "TCPFastOpenBlackhole";
    /// Connections that a timeout ended.
    tcp_abort_on_timeout: "TCPAbortOnTimeout";
    /// Segments beyond the window.
    beyond_window: "BeyondWindow";
    /// Data that came while the window was closed.
    tcp_zero_window_drop: "TCPZeroWindowDrop";
    /// Data that there was no memory for.
    tcp_rcv_q_drop: "TCPRcvQDrop";
    /// Data beyond a gap that there was no memory for.
    tcp_ofo_drop: "TCPOFODrop";
    /// Bare ACKs of a handshake while data was waited for.
    tcp_defer_accept_drop: "TCPDeferAcceptDrop";
    /// ICMP errors that quote what is not in flight.
    out_of_window_icmps: "OutOfWindowIcmps";
    /// Most connections at a time, TIME-WAIT included. No kernel counts this and what follows: they bound what an attacker
    /// can make a host keep and do.
    peak_connections: "PeakConnections";
    /// Most half-open requests at a time.
    peak_half_open: "PeakHalfOpen";
    /// Most records that one connection kept: segments in flight, pieces of data that were received.
    peak_records: "PeakRecords";
    /// Most octets that one connection kept: to be sent, acknowledged or read, or beyond a gap.
    peak_buffered: "PeakBuffered";
    /// Most segments sent in answer to one that arrived.
    peak_answers: "PeakAnswers";
    /// Most memory that incomplete packets took, in bytes.
    peak_reassembly: "PeakReassembly";
}

impl Counters {
    /// A connection keeps so many records and octets.
    pub(super) fn load(&mut self, (records, octets): (usize, u64)) {
        self.peak_records = self.peak_records.max(records as u64);
        self.peak_buffered = self.peak_buffered.max(octets);
    }
    /// So many segments answer one that arrived.
    pub(super) fn answers(&mut self, count: usize) {
        self.peak_answers = self.peak_answers.max(count as u64);
    }
    /// A connection changed its state.
    pub(super) fn transition(&mut self, from: State, to: State, why: Rule) {
        match why {
            Rule::SynCookieAccepted => self.syncookies_recv += 1,
            Rule::RetransmissionLimit
            | Rule::UserTimeout
            | Rule::KeepaliveLimit
            | Rule::OrphanLimit
            | Rule::SynGivesUp => self.tcp_abort_on_timeout += 1,
            _ => {}
        }
        match (from, to) {
            (State::Listen, State::SynReceived) if why == Rule::FastOpenAccepted => {
                self.tcp_fast_open_passive += 1;
            }
            (State::Closed, State::SynSent) => self.tcp_active_opens += 1,
            (State::SynSent | State::SynReceived, State::Closed) | (State::SynReceived, State::Listen) => {
                self.tcp_attempt_fails += 1;
            }
            (State::Established | State::CloseWait, State::Closed) => self.tcp_estab_resets += 1,
            _ => {}
        }
    }
    /// A segment was dropped.
    pub(super) fn segment_dropped(&mut self, rule: Rule) {
        match rule {
            Rule::AcceptQueueFull => {
                self.listen_overflows += 1;
                self.listen_drops += 1;
            }
            Rule::RequestQueueFull => self.listen_drops += 1,
            Rule::Paws => self.paws_estab += 1,
            Rule::NotAcceptable => self.beyond_window += 1,
            Rule::WindowClosed => self.tcp_zero_window_drop += 1,
            Rule::ReceiveBufferFull => self.tcp_rcv_q_drop += 1,
            Rule::NoRoomBeyondGap => self.tcp_ofo_drop += 1,
            Rule::AcceptDeferred => self.tcp_defer_accept_drop += 1,
            Rule::IcmpOutOfWindow => self.out_of_window_icmps += 1,
            _ => {}
        }
    }
    /// Something happened.
    pub(super) fn happened(&mut self, rule: Rule) {
        match rule {
            Rule::FastOpenDataAcked => self.tcp_fast_open_active += 1,
            Rule::FastOpenDataLost => self.tcp_fast_open_active_fail += 1,
            Rule::FastOpenBadCookie => self.tcp_fast_open_passive_fail += 1,
            Rule::FastOpenFull => self.tcp_fast_open_listen_overflow += 1,
            Rule::FastOpenOffer => self.tcp_fast_open_cookie_reqd += 1,
            _ => {}
        }
    }
    /// News of Fast Open.
    pub(super) fn fast_open(&mut self, news: News) {
        match news {
            News::BlackHole => self.tcp_fast_open_blackhole += 1,
            News::Unanswered => self.tcp_fast_open_active_fail += 1,
            News::Answered { .. } | News::Works | News::Settled { .. } => {}
        }
    }
    /// A segment is sent.
    pub(super) fn segment_sent(&mut self, why: Rule, flags: Flags) {
        let counts = match why {
            Rule::SynRetransmit | Rule::SynAckRetransmit | Rule::RtoRetransmit => {
                self.tcp_timeouts += 1;
                &mut self.tcp_retrans_segs
            }
            Rule::FastRetransmit | Rule::SackRetransmit | Rule::RackRetransmit | Rule::PartialAck => {
                self.tcp_fast_retrans += 1;
                &mut self.tcp_retrans_segs
            }
            Rule::TailLossProbe => {
                self.tcp_loss_probes += 1;
                &mut self.tcp_retrans_segs
            }
            Rule::RtoGoBack | Rule::RescueRetransmit | Rule::PmtuRetransmit => &mut self.tcp_retrans_segs,
            _ => &mut self.tcp_out_segs,
        };
        *counts += 1;
        if flags.contains(Flags::RST) {
            self.tcp_out_rsts += 1;
        }
        match why {
            Rule::SynCookieSent => self.syncookies_sent += 1,
            Rule::SynCookieInvalid => self.syncookies_failed += 1,
            Rule::AckDelayed => self.delayed_acks += 1,
            Rule::ChallengeSyn => {
                self.tcp_syn_challenge += 1;
                self.tcp_challenge_ack += 1;
            }
            Rule::ChallengeRst | Rule::ChallengeAck | Rule::AckOfUnsent => self.tcp_challenge_ack += 1,
            Rule::KeepaliveProbe => self.tcp_keep_alive += 1,
            Rule::ZeroWindowProbe => self.tcp_win_probe += 1,
            Rule::CloseUnread => self.tcp_abort_on_close += 1,
            Rule::LingerZero | Rule::DataAfterClose => self.tcp_abort_on_data += 1,
            _ => {}
        }
    }
}
