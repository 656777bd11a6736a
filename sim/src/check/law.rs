//! What must hold in every run, and who says so.

use std::fmt;

use tcp::{Time, Tuple};

use crate::trace::NodeId;

macro_rules! laws {
    ($($name:ident: $text:literal, $source:literal;)*) => {
        /// Something that must hold in every run.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "the text of each is its documentation: see Law::text")]
        pub enum Law { $($name,)* }
        impl Law {
            /// All of them.
            pub const ALL: &[Law] = &[$(Law::$name,)*];
            /// Its name, as files and reports call it.
            pub const fn name(self) -> &'static str {
                match self { $(Law::$name => stringify!($name),)* }
            }
            /// In a few words.
            pub const fn text(self) -> &'static str {
                match self { $(Law::$name => $text,)* }
            }
            /// Where it comes from.
            pub const fn source(self) -> &'static str {
                match self { $(Law::$name => $source,)* }
            }
        }
    };
}

laws! {
    StreamIntact: "every byte is read once, in order, as it was written, and the end where it was put", "RFC 9293 2.2";
    SequenceSpace: "SND.UNA <= SND.NXT, and neither they nor RCV.NXT go back", "RFC 9293 3.3.1, 3.4";
    FreshNumbers: "a connection does not begin with the initial sequence number that the last of its name had", "RFC 9293 3.4.1 MUST-8, RFC 6528 3";
    AckOfUnsent: "nothing is acknowledged that was not sent", "RFC 9293 3.4";
    UnsentIgnored: "what acknowledges something that was not sent is dropped, all of it", "RFC 9293 3.10.7.4";
    AckRetreats: "an acknowledgment is not taken back", "RFC 9293 3.4";
    BeyondWindow: "nothing is sent beyond the window offered", "RFC 9293 3.8.6";
    TakesBeyondWindow: "nothing is taken beyond the window offered", "RFC 9293 3.4, table 6";
    WindowRetreats: "the right edge of the window does not retreat but by scaling", "RFC 9293 3.8.6 SHLD-14, RFC 7323 2.4";
    BeyondMss: "no segment is larger than the peer's MSS less its options", "RFC 9293 3.7.1, RFC 6691 2";
    FinMoves: "a FIN keeps its place, and no data comes behind it", "RFC 9293 3.4, 3.10.4";
    WellFormed: "a segment's bits and options go together, and its bytes read back as it", "RFC 9293 3.1, RFC 2018 3, RFC 7323 2.1, 2.2, 3.2";
    LegalTransition: "a state changes as the diagram has it, from where it was", "RFC 9293 3.3.2, figure 5";
    ResetExact: "only a RST at the number expected ends a connection, and no SYN does", "RFC 5961 3.2, 4.2, RFC 9293 3.10.7.3";
    FinAcknowledged: "what waits for the ACK of its FIN waits for that one", "RFC 9293 3.10.7.4, figure 5";
    TimeWaitLasts: "TIME-WAIT lasts 2 MSL from the last FIN", "RFC 9293 3.6.1, 3.10.7.4";
    TimeWaitAnswers: "a FIN that comes again in TIME-WAIT is acknowledged", "RFC 9293 3.10.7.4";
    TimeWaitYields: "TIME-WAIT gives way to a SYN only if that is newer than all before", "RFC 6191 2, RFC 9293 3.6.1 MAY-2";
    PawsExact: "only a segment older than the last in sequence is dropped for its timestamp", "RFC 7323 4.3, 5.3";
    BacksOff: "a timeout waits twice as long each time, and a probe of a closed window longer", "RFC 6298 5.5, RFC 9293 3.8.6.1 SHLD-30";
    GivesUp: "nobody gives up whose repetitions arrive and are answered", "RFC 9293 3.8.3, 3.10.7.4";
    TimerRuns: "what is unacknowledged or cannot be sent has a timer running", "RFC 6298 5.1, RFC 9293 3.8.6.1 MUST-36";
    TimerEnds: "a retransmission timer is put off by what it waits for, and by nothing else", "RFC 6298 5.1, 5.3, RFC 8985 7.2";
    OneTimer: "retransmission and persist timer exclude one another", "RFC 9293 3.8.6.1";
    AckStorm: "no answers to answers without end", "RFC 9293 3.10.7.4, RFC 5961 7";
    Conservation: "no packet is lost or made without being counted", "conservation";
    CwndBounds: "cwnd is at least one segment, and no more than acknowledgments have earned", "RFC 5681 3.1";
    RtoBounds: "the RTO lies between its bounds", "RFC 6298 2.4, 2.5";
    RtoMeasured: "a round trip that was measured beyond doubt moves SRTT, RTTVAR and RTO by what it took", "RFC 6298 2.2, 2.3, 3";
    MemoryBounds: "what waits in a connection is bounded by its buffers and its window, what a host keeps besides by its limits", "RFC 9293 3.8.6, 3.10.7.4, RFC 4987 2.2, RFC 8900 3.7";
    WorkBounds: "one event makes a bounded number of segments, and one moment a bounded number of events", "conservation";
    NoPanic: "whatever comes, nothing panics", "RFC 9293 3.1 MUST-7 and Postel";
    ComesToRest: "once faults stop, nothing goes on without end and nothing is stuck", "RFC 9293 3.8.3, 3.6";
}

/// A law that a run broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When.
    pub time: Time,
    /// At which event, counted from one.
    pub event: u64,
    /// What must hold.
    pub law: Law,
    /// The host where it did not.
    pub node: NodeId,
    /// The connection, seen from there.
    pub tuple: Option<Tuple>,
    /// What there is instead.
    pub text: String,
    /// Why nobody could know better, if so: then it is told, and not counted.
    pub excuse: Option<&'static str>,
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
