//! Why something happened: the rules of the RFCs, by name.
//!
//! Every segment sent, every segment dropped and every transition carries the [`Rule`] that decided it. A rule is
//! two bytes; its words and its source stand here, once.

use std::fmt;

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident: $text:literal, $source:literal;)*) => {
        /// The rule that decided.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        #[allow(missing_docs, reason = "the text of each rule is its documentation: see Rule::text")]
        pub enum Rule { $($(#[$doc])* $name,)* }

        impl Rule {
            /// All rules.
            pub const ALL: &[Rule] = &[$(Rule::$name,)*];
            /// The rule in a few words, as traces print it.
            pub const fn text(self) -> &'static str {
                match self { $(Rule::$name => $text,)* }
            }
            /// Whether no TCP sent it, but an attacker or a fault made it up.
            pub const fn is_forged(self) -> bool {
                matches!(self, Rule::Forged | Rule::ScanProbe | Rule::FloodSyn)
            }
            /// A number made of the name: it stays the same whatever other rules come and go, so that a trace hash
            /// does.
            pub const fn code(self) -> u32 {
                match self { $(Rule::$name => const { code_of(stringify!($name)) },)* }
            }
            /// Where the rule comes from: `RFC 9293 3.10.7.4`.
            pub const fn source(self) -> &'static str {
                match self { $(Rule::$name => $source,)* }
            }
        }
    };
}

// One line a rule: name, words for the trace (lower case, no full stop), source (RFC and section, or "Linux").
// Grouped by the part that decides; add to the group that fits.
rules! {
    // Calls
    ActiveOpen: "connect: active open", "RFC 9293 3.10.1";
    PassiveOpen: "listen: passive open", "RFC 9293 3.10.1";
    CloseCall: "close: FIN", "RFC 9293 3.10.4";
    CloseListen: "close: listens no more", "RFC 9293 3.10.4";
    ShutdownCall: "shutdown of the sending side: FIN", "RFC 9293 3.10.4";
    DisconnectCall: "connect to AF_UNSPEC takes the connection apart", "Linux tcp_disconnect; RFC 9293 3.10.5";
    CloseUnread: "close with unread data: reset", "RFC 9293 3.6.1";
    AbortCall: "abort: reset", "RFC 9293 3.10.5";
    LingerZero: "close with linger 0: reset", "RFC 9293 3.10.5";
    ProgramKilled: "program killed: its sockets close", "RFC 9293 3.10.4";

    // Opening
    SynAnswered: "SYN: answered with SYN-ACK", "RFC 9293 3.10.7.2";
    SynAckAnswered: "SYN-ACK: answered with ACK", "RFC 9293 3.10.7.3";
    SimultaneousOpen: "SYN meets SYN-SENT: simultaneous open", "RFC 9293 3.10.7.3";
    HandshakeComplete: "ACK of our SYN", "RFC 9293 3.10.7.4";
    SynRetransmit: "no answer to the SYN: repeated", "RFC 6298 5.4";
    SynAckRetransmit: "no answer to the SYN-ACK: repeated", "RFC 6298 5.4";
    DuplicateSyn: "duplicate SYN: SYN-ACK repeated", "Linux";
    SynGivesUp: "SYN unanswered to the last try", "RFC 9293 3.8.3";
    SynAckGivesUp: "SYN-ACK unanswered to the last try", "RFC 9293 3.8.3";
    AcceptDeferred: "bare ACK while data is waited for", "Linux TCP_DEFER_ACCEPT";
    AcceptQueueFull: "accept queue full", "Linux";
    RequestQueueFull: "queue of half-open requests full", "RFC 4987 2";
    SynCookieSent: "queue full: SYN cookie", "RFC 4987 3.6";
    SynCookieAccepted: "ACK carries a valid cookie", "RFC 4987 3.6";
    SynCookieInvalid: "ACK carries no valid cookie", "RFC 4987 3.6";
    TwoWayHandshake: "connection complete on the SYN alone", "ablation";

    // Resets
    NoConnection: "no connection here: reset", "RFC 9293 3.10.7.1";
    ListenGotAck: "ACK in LISTEN: reset", "RFC 9293 3.10.7.2";
    SynSentBadAck: "ACK of something never sent in SYN-SENT: reset", "RFC 9293 3.10.7.3";
    SynSentBadEcho: "SYN-SENT: the SYN-ACK echoes a timestamp that was never sent", "Linux";
    SynReceivedBadAck: "ACK of something never sent in SYN-RECEIVED: reset", "RFC 9293 3.10.7.4";
    ListenerClosed: "listener closed before accept: reset", "Linux";
    ListenerGone: "listener closed: half-open request forgotten", "Linux";
    DataAfterClose: "data for a receiver that is gone: reset", "RFC 9293 3.6.1";
    ResetReceived: "valid RST received", "RFC 9293 3.10.7.4";
    ResetInWindow: "RST somewhere in the window", "RFC 793 3.4";
    ResetInSynReceived: "RST: back to LISTEN", "RFC 9293 3.10.7.4";
    SynInRequest: "another SYN in SYN-RECEIVED: back to LISTEN", "RFC 9293 3.10.7.4";
    ConnectionRefused: "RST answers our SYN: refused", "RFC 9293 3.10.7.3";
    EcnMixed: "SYNs of one handshake ask for both kinds of ECN: reset", "RFC 9768 3.1.5";

    // Checks that drop, or answer without accepting
    BadChecksum: "checksum wrong: dropped", "RFC 9293 3.1";
    Malformed: "header malformed: dropped", "RFC 9293 3.1";
    RstForNobody: "RST for no connection: dropped", "RFC 9293 3.10.7.1";
    RstIgnored: "RST outside the window: dropped", "RFC 9293 3.10.7.4";
    RstIgnoredInSynSent: "RST without an ACK of our SYN: dropped", "RFC 9293 3.10.7.3";
    ReceiveBufferFull: "no memory for what arrived: no window", "Linux tcp_data_queue";
    TooManyBlocks: "one block more beyond gaps than are kept: dropped", "FreeBSD tcp_reass";
    NoRoomBeyondGap: "no memory for what lies beyond a gap: dropped without a word", "Linux tcp_data_queue_ofo";
    WindowClosed: "data behind a closed window", "Linux tcp_data_queue";
    NotAcceptable: "outside the window: ACK of what is expected", "RFC 9293 3.10.7.4";
    OldDuplicate: "old duplicate: ACK of what is expected", "RFC 9293 3.10.7.4";
    ProbeArrived: "probe of the window or of keepalive: nothing new in it", "RFC 9293 3.8.4";
    NoAckBit: "no ACK bit: dropped", "RFC 9293 3.10.7.4";
    ListenIgnores: "neither SYN nor ACK in LISTEN: dropped", "RFC 9293 3.10.7.2";
    SynSentIgnores: "neither SYN nor RST in SYN-SENT: dropped", "RFC 9293 3.10.7.3";
    Paws: "timestamp older than the last: dropped and acknowledged", "RFC 7323 5.3";
    TimestampMissing: "timestamp missing: dropped", "RFC 7323 3.2";
    ChallengeRst: "RST in the window but not exact: challenge ACK", "RFC 5961 3.2";
    ChallengeSyn: "SYN in a synchronized state: challenge ACK", "RFC 5961 4.2";
    ChallengeAck: "ACK outside the acceptable range: challenge ACK", "RFC 5961 5.2";
    ChallengeLimited: "ACK withheld: rate limit", "RFC 5961 7";
    AckOfUnsent: "ACK of something not yet sent", "RFC 9293 3.10.7.4";

    // Acknowledging
    AckEverySecond: "ACK: second full segment", "RFC 5681 4.2";
    AckDelayed: "ACK: delay expired", "RFC 9293 3.8.6.3";
    AckQuick: "ACK: quick-ACK mode", "Linux";
    AckOutOfOrder: "duplicate ACK: segment out of order", "RFC 5681 4.2";
    AckGapFilled: "ACK: gap filled, or part of it", "RFC 5681 4.2";
    CeChanged: "ACK: marks begin or end", "RFC 8257 3.2";
    AckOfFin: "ACK of the FIN", "RFC 9293 3.10.7.4";
    AckOnRead: "ACK: the program reads", "Linux";
    AckOfCodepoint: "ACK: the ECN codepoint changed", "RFC 9768 3.2.2.5.1";
    AckOfMarks: "ACK: so many CE marks", "RFC 9768 3.2.2.5.1";
    FastOpen: "open with data or a cookie request in the SYN", "RFC 7413 4.2.1";
    FastOpenAccepted: "the data of the SYN is accepted before the handshake is complete", "RFC 7413 4.2.2";
    FastOpenBadCookie: "the Fast Open cookie is not ours: an ordinary SYN-ACK with a new one", "RFC 7413 4.2.2";
    FastOpenFull: "too many Fast Open connections are pending: an ordinary SYN", "RFC 7413 5.1";
    FastOpenOffer: "a Fast Open cookie is asked for, and goes with the SYN-ACK", "RFC 7413 4.2.1";
    FastOpenDataAcked: "the SYN-ACK acknowledges the data of the SYN", "RFC 7413 4.2.2";
    FastOpenDataLost: "the SYN-ACK does not acknowledge the data of the SYN: it goes with the ACK", "RFC 7413 4.2.2";
    FastOpenBlackHole: "the path seems to swallow Fast Open: stopped for a while", "RFC 7413 4.1.3.1";
    WindowUpdate: "window update", "RFC 9293 3.8.6.2.2";
    AckOfProbe: "answer to a probe", "RFC 9293 3.10.7.4";

    // Sending
    Data: "data", "RFC 9293 3.7";
    FinQueued: "queued FIN goes out", "RFC 9293 3.10.4";
    LimitedTransmit: "new data on a duplicate ACK", "RFC 3042 2";
    SwsOverride: "small segment after the override timer", "RFC 9293 3.8.6.2.1";
    ZeroWindowProbe: "zero-window probe", "RFC 9293 3.8.6.1";
    KeepaliveProbe: "keepalive probe", "RFC 9293 3.8.4";

    // Recovery
    FastRetransmit: "third duplicate ACK: fast retransmit", "RFC 5681 3.2";
    SackRetransmit: "SACK shows a loss: retransmission", "RFC 6675 5";
    RackRetransmit: "RACK: sent before one that arrived", "RFC 8985 6.2";
    PartialAck: "partial ACK: next hole retransmitted", "RFC 6582 3.2";
    RescueRetransmit: "rescue retransmission", "RFC 6675 4";
    TailLossProbe: "tail loss probe", "RFC 8985 7.3";
    RtoRetransmit: "retransmission timeout", "RFC 6298 5.4";
    RtoGoBack: "retransmission after a timeout", "RFC 5681 3.1";
    RecoveryEnds: "recovery point acknowledged", "RFC 6675 5";
    RtoExpired: "retransmission timer expired: loss window", "RFC 5681 3.1";
    RecoveryBegins: "loss found: recovery begins", "RFC 5681 3.2";
    ProbeRepaired: "the probe repaired a loss: congestion window reduced", "RFC 8985 7.4";
    UnneededUndo: "retransmissions were needless: reduction undone", "RFC 4015 3.2";
    SackReneging: "SACKed data is missing: SACK marks forgotten", "RFC 2018 8";
    InitialWindowLost: "loss in the first window: the next ones are smaller", "RFC 6928 2";
    SlowStartEnds: "a queue builds up: slow start ends", "RFC 9406 4.2, Linux HyStart";
    IdleRestart: "idle: congestion window collapses", "RFC 5681 4.1";
    SpuriousUndo: "timeout was spurious: undone", "RFC 5682 2";
    PmtuRetransmit: "path MTU smaller: resent in smaller segments", "RFC 1191 6.4";
    MtuProbe: "longer segment, to see whether the path takes it", "RFC 4821 7.5";
    MtuProbeArrived: "the longer segment has arrived: segments grow", "RFC 4821 7.6.1";
    MtuProbeLost: "only the longer segment is lost: too long for the path", "RFC 4821 7.6.2";
    MtuProbeRepair: "the longer segment's data goes again in segments as before", "RFC 4821 7.6.2";
    MtuProbeInconclusive: "the longer segment went with others: no answer", "RFC 4821 7.6.4";
    BlackHole: "timeouts go on: shorter segments", "RFC 4821 7.7";
    EcnResponse: "ECE: congestion window reduced", "RFC 3168 6.1.2";
    LocalCongestion: "the interface takes nothing: congestion window reduced", "Linux";

    // Giving up
    RetransmissionLimit: "R2 reached: connection given up", "RFC 9293 3.8.3";
    UserTimeout: "user timeout: connection given up", "RFC 9293 3.10.8";
    UserTimeoutAdopted: "the peer's user timeout option changes the user timeout", "RFC 5482 3.1";
    UserTimeoutTold: "the peer's user timeout option is noted, the user timeout stays", "RFC 5482 3.1";
    KeepaliveLimit: "keepalive unanswered: connection given up", "RFC 9293 3.8.4";
    OrphanLimit: "orphan given up", "Linux";
    SignatureUnexpected: "signed, and there is no key: dropped", "RFC 2385 2.0; Linux tcp_inbound_md5_hash";

    IcmpHard: "ICMP hard error", "RFC 9293 3.9.2.2";
    IcmpSoft: "ICMP soft error noted", "RFC 9293 3.9.2.2";
    IcmpRefused: "ICMP error ends the open", "RFC 5461 4";
    IcmpOutOfWindow: "ICMP quotes a sequence number not in flight: ignored", "RFC 5927 4.1";

    PmtuImpossible: "ICMP claims an MTU that no path has: ignored", "RFC 5927 7.2";
    PmtuHeld: "ICMP claims less than what has arrived: held until a timeout", "RFC 5927 7.2";
    PmtuConfirmed: "timeout confirms the smaller path MTU", "RFC 5927 7.2";
    PmtuForgotten: "smaller path MTU forgotten: larger segments again", "RFC 1191 6.3";

    // Closing
    FinReceived: "FIN received", "RFC 9293 3.10.7.4";
    FinAcknowledged: "our FIN is acknowledged", "RFC 9293 3.10.7.4";
    TimeWaitExpired: "2 MSL over", "RFC 9293 3.6.1";
    TimeWaitReAck: "TIME-WAIT: acknowledged again, 2 MSL restarts", "RFC 9293 3.10.7.4";
    TimeWaitAck: "TIME-WAIT: acknowledged again", "RFC 9293 3.10.7.4";
    TimeWaitReset: "RST ends TIME-WAIT", "RFC 9293 3.10.7.4";
    TimeWaitRstIgnored: "RST in TIME-WAIT ignored", "RFC 1337 3";
    TimeWaitReused: "newer SYN ends TIME-WAIT", "RFC 6191 2";
    TimeWaitSynRefused: "SYN not newer than the old connection", "RFC 6191 2";
    TimeWaitOverflow: "too many in TIME-WAIT: gone at once", "Linux";
    NoTimeWait: "TIME-WAIT is switched off", "ablation";
    FinWait2Expired: "orphan in FIN-WAIT-2: time is over", "Linux";
    HostCrashed: "host crashed", "fault";

    // Sent by routers, by IP, and by the fault timeline
    IcmpTtlExceeded: "ICMP: time to live exceeded", "RFC 1812 5.3.1, RFC 4443 3.3";
    IcmpNoRoute: "ICMP: no route", "RFC 1812 4.3.3.1, RFC 4443 3.1";
    IcmpFragmentationNeeded: "ICMP: too large for the next link, and may not be fragmented", "RFC 1191 4, RFC 4443 3.2";
    IcmpNobodyListens: "ICMP: nobody listens there", "RFC 1122 3.2.2.1, RFC 4443 3.1";
    IcmpReassemblyTimeout: "ICMP: fragments missing", "RFC 1122 3.3.2, RFC 4443 3.3";
    IcmpParameterProblem: "ICMP: a fragment that cannot be", "RFC 1122 3.2.2.5, RFC 8200 4.5";
    Forged: "forged segment", "raw socket";
    ForgedIcmp: "forged ICMP error", "raw socket";
    ScanProbe: "probe of a port scanner", "raw socket";
    FloodSyn: "SYN of a flood, from an address that does not answer", "raw socket";
    Datagram: "datagram", "RFC 768";
    EchoRequest: "echo request", "RFC 792, RFC 4443 4.1";
    EchoReply: "answer to an echo request", "RFC 1122 3.2.2.6, RFC 4443 4.2";

    // Trouble that does not end a connection
    FirstLimit: "R1 reached: IP and the program are told of the trouble", "RFC 9293 3.8.3";
}

/// FNV-1a of a name.
const fn code_of(name: &str) -> u32 {
    let (mut hash, mut i) = (0x811c_9dc5_u32, 0);
    while i < name.len() {
        hash = (hash ^ name.as_bytes()[i] as u32).wrapping_mul(0x0100_0193);
        i += 1;
    }
    hash
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::Rule;

    #[test]
    fn no_two_rules_share_a_code() {
        let mut codes: Vec<u32> = Rule::ALL.iter().map(|rule| rule.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Rule::ALL.len());
    }
}
