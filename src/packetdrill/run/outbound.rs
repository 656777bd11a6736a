//! Packets that a script expects.

use std::net::SocketAddr;

use sim::packet;
use sim::sys::Sent;
use tcp::{Duration, Flags};

use super::compare::{self, Burst};
use super::subject::Phase;
use super::{Failure, Now, Runner, Seen, Step, Stop, micros};
use crate::packetdrill::ast::{Body, Packet, Segment, TcpOption, When};

/// How long after its time a packet is waited for, in seconds.
const GRACE_SECS: u64 = 2;

impl<'a> Runner<'a> {
    /// Compares the next packet that the host sends on the connection under test.
    pub(super) fn expect(&mut self, now: Now<'a>, packet: &Packet) -> Step {
        let line = match &packet.body {
            Body::Tcp(line) => line,
            Body::Udp(_) | Body::Icmp(_) => {
                return Err(
                    self.unsupported(packet.span.clone(), "only TCP segments are expected here".into())
                );
            }
            Body::Encapsulated(what) => {
                return Err(self.unsupported(packet.span.clone(), format!("{what} is not run here")));
            }
        };
        self.begin_to_expect(packet, line)?;
        let burst = self.burst(now, packet, line)?;
        let at = micros(burst.at);
        self.learn_timestamp(line, &burst);
        let expected = self.expectation(now, packet, line);
        let differences = match &self.subject {
            Some(subject) => compare::differences(&expected, subject, &burst),
            None => Vec::new(),
        };
        if !differences.is_empty() {
            return self.differs(now, packet, &burst, &differences);
        }
        self.on_time(now, at, "packet").map_err(|stop| match stop {
            Stop::Failed(failure) => Stop::Failed(Box::new(self.explained(*failure, &burst))),
            stop => stop,
        })
    }

    /// What the line means for the connection as the script sees it.
    fn begin_to_expect(&mut self, packet: &Packet, line: &Segment) -> Step {
        let syn = line.flags.contains(Flags::SYN);
        let ack = line.flags.contains(Flags::ACK);
        let isn = line.seq.unwrap_or(0);
        match &mut self.subject {
            Some(subject) if subject.phase == Phase::Connecting && syn && !ack => {
                subject.phase = Phase::SynSent;
                subject.ours.script = isn;
            }
            Some(subject) if subject.phase == Phase::PacketReceived && syn && ack => {
                subject.ours.script = isn
            }
            Some(_) => {}
            None => {
                return Err(
                    self.failed(packet.span.clone(), "there is no socket that could send this packet".into())
                );
            }
        }
        Ok(())
    }

    /// Packets of the host until they have as much payload as the line: one, or several that a device would have cut
    /// out of one.
    fn burst(&mut self, now: Now<'a>, packet: &Packet, line: &Segment) -> Step<Burst> {
        let mut burst: Option<Burst> = None;
        loop {
            let Some(sent) = self.next_packet(now)? else {
                return Err(self.nothing_came(now, packet, burst.as_ref()));
            };
            self.note_sent(now, &sent);
            let Some(segment) = sent.packet.tcp().cloned() else { continue };
            self.learn_isn(line, &segment, &sent);
            let whole = match burst.take() {
                None => Burst::new(segment, sent.packet.ip, sent.at, sent.why),
                Some(mut burst) => match burst.append(segment, sent.packet.ip, sent.at, sent.why, line.len) {
                    Ok(()) => burst,
                    Err(what) => {
                        return self.differs(now, packet, &burst, &[what]).map(|()| burst);
                    }
                },
            };
            let strict = self.script.options.strict_segments;
            if whole.payload >= line.len || strict {
                return Ok(whole);
            }
            burst = Some(whole);
        }
    }

    /// The next packet of the connection under test; `None`: none came in time.
    fn next_packet(&mut self, now: Now<'_>) -> Step<Option<Sent>> {
        let since = now.to.saturating_sub(now.last.unwrap_or(now.from));
        let patience = match now.event.time {
            When::Any => Duration::from_secs(1 << 30),
            _ => Duration::from_secs(since / 1_000_000 + GRACE_SECS),
        };
        let limit = self.machine.now() + patience;
        loop {
            while let Some(sent) = self.machine.take_sent() {
                if self.is_of_subject(&sent) {
                    return Ok(Some(sent));
                }
            }
            let came = self.machine.advance_until_sent(limit);
            self.returned()?;
            if !came {
                return Ok(None);
            }
        }
    }

    /// Whether a packet belongs to the connection under test: by its addresses and ports, or as the SYN of a connect(2)
    /// whose port nobody knows yet.
    fn is_of_subject(&mut self, sent: &Sent) -> bool {
        let (Some(segment), Some(subject)) = (sent.packet.tcp(), &mut self.subject) else { return false };
        let local = SocketAddr::new(sent.packet.ip.src, segment.src);
        let remote = SocketAddr::new(sent.packet.ip.dst, segment.dst);
        if subject.remote != Some(remote) {
            return false;
        }
        if subject.local == Some(local) {
            return true;
        }
        let opens = segment.has(Flags::SYN) && !segment.has(Flags::ACK) && subject.phase == Phase::SynSent;
        let opens = opens && !self.former.contains(&local);
        if opens {
            subject.local = Some(local);
            subject.ours.live = segment.seq.0;
        }
        opens
    }

    fn note_sent(&mut self, now: Now<'_>, sent: &Sent) {
        let line = Some(self.line(now.event));
        let (at, packet, why) = (sent.at, sent.packet.clone(), Some(sent.why));
        self.packets.push(Seen { at, inbound: false, packet, why, line });
    }

    /// The SYN-ACK of a connection that came in tells the host's initial sequence number.
    fn learn_isn(&mut self, line: &Segment, segment: &tcp::Segment, _sent: &Sent) {
        let syn_ack = Flags::SYN | Flags::ACK;
        if let Some(subject) = &mut self.subject
            && subject.phase == Phase::PacketReceived
            && line.flags.contains(syn_ack)
        {
            subject.phase = Phase::SynAckSent;
            subject.ours.live = segment.seq.0;
        }
    }

    /// Remembers what the script calls a timestamp of the host.
    fn learn_timestamp(&mut self, line: &Segment, burst: &Burst) {
        let said = line.options.iter().flatten().find_map(|option| match option {
            TcpOption::Ts { val, .. } => Some(*val),
            _ => None,
        });
        if let (Some(script), Some(live), Some(subject)) =
            (said, burst.last.options.timestamps, &mut self.subject)
        {
            subject.timestamps.insert(script, live.val);
            subject.first_timestamp.get_or_insert((script, live.val));
        }
    }

    /// The line, without what is not compared in this script.
    fn expectation<'p>(&self, now: Now<'_>, packet: &'p Packet, line: &Segment) -> compare::Expected<'p> {
        let mut line = line.clone();
        if self.is_foreign() {
            line.win = None;
            if line.flags.contains(Flags::SYN) {
                line.options = None;
            }
        }
        let ts_tolerance = self.script.options.ts_tick_usecs.filter(|tick| *tick > 0).map(|tick| {
            let share = now.from.saturating_mul(self.tolerance_permille) / 1000;
            (tick, self.tolerance_usecs.max(share))
        });
        compare::Expected { packet, line, ts_tolerance }
    }

    /// The line and the packet differ. PSH alone, on a line of one segment, makes the verdict relaxed.
    fn differs(
        &mut self,
        now: Now<'_>,
        packet: &Packet,
        burst: &Burst,
        differences: &[compare::Difference],
    ) -> Step {
        let what: Vec<&str> = differences.iter().map(|difference| difference.field).collect();
        let headline = format!("the packet differs: {}", what.join(", "));
        let details: Vec<String> = differences.iter().map(ToString::to_string).collect();
        let before = self.packets.len().saturating_sub(burst.count as usize);
        let failure = Failure::new(now.event.span.clone(), headline, self.history_before(before))
            .marked(packet.span.clone(), details.join("; "))
            .expected(self.script.excerpt(&packet.span))
            .seen(self.describe_burst(burst));
        let failure = self.explained(failure, burst);
        if differences.iter().all(|difference| difference.field == "PSH") {
            self.relaxed.push(failure);
            return Ok(());
        }
        Err(Stop::Failed(Box::new(failure)))
    }

    fn explained(&self, failure: Failure, burst: &Burst) -> Failure {
        failure.because(self.cause(burst.why))
    }

    fn describe_burst(&self, burst: &Burst) -> String {
        let text = self.describe(&burst.as_segment(), burst.ip, false);
        let pieces = if burst.count > 1 { format!(", in {} segments", burst.count) } else { String::new() };
        format!("{text}{pieces} at {} s", super::report::seconds(micros(burst.at)))
    }

    /// Nothing came: or too little.
    fn nothing_came(&mut self, now: Now<'_>, packet: &Packet, burst: Option<&Burst>) -> Stop {
        self.read_records();
        let what = match burst {
            None => "no packet came".to_owned(),
            Some(burst) => format!("only {} octets came in {} segments", burst.payload, burst.count),
        };
        let until = super::report::seconds(micros(self.machine.now()));
        let mut failure = self
            .failure(now.event.span.clone(), what)
            .expected(self.script.excerpt(&packet.span))
            .seen(format!("nothing until {until} s"));
        if let Some(why) = self.last_drop() {
            failure = failure.because(why);
        }
        Stop::Failed(Box::new(failure))
    }

    /// What became of the last packet that was injected, if the host dropped it.
    fn last_drop(&self) -> Option<String> {
        let last = self.packets.iter().rev().find(|seen| seen.inbound)?;
        let why = self.dropped.get(&last.packet.id)?;
        let line = last.line?;
        Some(format!("the packet of line {line} was dropped: {}", crate::view::words::drop_reason(*why)))
    }

    /// Packets behind the last line are one too many.
    pub(super) fn leftovers(&mut self) -> Step {
        while let Some(sent) = self.machine.take_sent() {
            if !self.is_of_subject(&sent) {
                continue;
            }
            let packet::Body::Tcp(segment) = &sent.packet.body else { continue };
            let text = self.describe(segment, sent.packet.ip, false);
            let span = self.script.events.last().map_or(0..0, |event| event.span.clone());
            let failure = self
                .failure(span, "a packet that no line expects".into())
                .expected("nothing behind this line".into())
                .seen(format!("{text} at {} s", super::report::seconds(micros(sent.at))))
                .because(self.cause(sent.why));
            return Err(Stop::Failed(Box::new(failure)));
        }
        Ok(())
    }
}
