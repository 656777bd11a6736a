//! Programs over UDP: one that sends datagrams, one that receives them.

use tcp::{Duration, Errno, Payload, Time};

use super::script::Outcome;
use super::{BREATHER, STEPS_AT_ONCE, Who, text};
use crate::host::kernel::{Ctx, Kernel};
use crate::host::lean::Seldom;
use crate::rng::{Draw, Stream};
use crate::spec::Run;

/// Sends a list of datagrams, so many times over.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Sender {
    port: Option<u16>,
    sent: u64,
    next: Time,
    /// Bytes so far: the pattern goes on from datagram to datagram.
    offset: u64,
    /// Times between datagrams, where they are drawn.
    times: Option<Stream>,
}

impl Sender {
    pub(super) fn run(
        &mut self,
        run: &Run,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        who: &Who<'_>,
    ) -> Outcome {
        let Run::UdpSend { to, port, sizes, count, every, poisson, df } = run else { return Outcome::Over };
        let own = match self.port {
            Some(own) => own,
            None => match kernel.udp_open(who.process, who.task, *port, Some(*to)) {
                Ok(own) => *self.port.insert(own),
                Err(errno) => {
                    ctx.out.program(who.label, || (format!("bind({port})"), errno.to_string()));
                    return Outcome::Over;
                }
            },
        };
        // Answers are read, and errors noticed, as they come.
        loop {
            match kernel.udp_recv(own) {
                Ok((from, _, data)) => {
                    ctx.out.program(who.label, || ("recvfrom()", format!("{} from {from}", data.len())));
                }
                Err(Errno::EAGAIN) => break,
                Err(errno) => ctx.out.program(who.label, || ("recvfrom()", errno.to_string())),
            }
        }
        let all = sizes.len() as u64 * u64::from(*count);
        let mut at_once = 0;
        while self.sent < all {
            if ctx.now < self.next {
                return Outcome::Waiting(self.next);
            }
            if at_once == STEPS_AT_ONCE {
                return Outcome::Waiting(ctx.now + BREATHER);
            }
            at_once += 1;
            let len = sizes[(self.sent % sizes.len() as u64) as usize];
            let data = if len == 0 {
                Payload::Empty
            } else {
                Payload::Pattern { stream: kernel.datagram_stream(own), offset: self.offset, len }
            };
            let result = kernel.udp_send(ctx, own, (*to, None), data, *df);
            ctx.out.program(who.label, || {
                let text = result.map_or_else(|errno| errno.to_string(), |sent| sent.to_string());
                (format!("sendto({len}, {to})"), text)
            });
            self.offset += u64::from(len);
            self.sent += 1;
            self.next = ctx.now + if *poisson { self.gap(*every, kernel, who) } else { *every };
        }
        // The socket stays open for what is answered.
        Outcome::Waiting(Time::NEVER)
    }

    /// Time until the next datagram of a Poisson process.
    fn gap(&mut self, mean: Duration, kernel: &Kernel, who: &Who<'_>) -> Duration {
        let times = self.times.get_or_insert_with(|| {
            let name = format!("host:{}/udp:{}/times", kernel.setup.name, who.label);
            Stream::new(kernel.setup.seed, &name)
        });
        Duration::from_nanos(Draw::Exponential(mean.as_nanos()).value(times.bits()))
    }
}

/// Receives datagrams on a port.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Receiver {
    open: bool,
}

impl Receiver {
    pub(super) fn run(
        &mut self,
        run: &Run,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        who: &Who<'_>,
    ) -> Outcome {
        let Run::UdpReceive { port, echo } = run else { return Outcome::Over };
        if !self.open {
            let result = kernel.udp_open(who.process, who.task, *port, None);
            ctx.out.program(who.label, || {
                let text = result.map_or_else(|errno| errno.to_string(), |_| "0".to_owned());
                (format!("bind({port})"), text)
            });
            if result.is_err() {
                return Outcome::Over;
            }
            self.open = true;
        }
        while let Ok((from, to, data)) = kernel.udp_recv(*port) {
            ctx.out.program(who.label, || {
                let mut shown = Seldom::default();
                text::keep(&mut shown, &data);
                let data = text::received(data.len().into(), &shown);
                ("recvfrom()", format!("{data} from {from}"))
            });
            if *echo {
                let len = data.len();
                let result = kernel.udp_send(ctx, *port, (from, Some(to)), data, false);
                ctx.out.program(who.label, || {
                    let text = result.map_or_else(|errno| errno.to_string(), |sent| sent.to_string());
                    (format!("sendto({len}, {from})"), text)
                });
            }
        }
        Outcome::Waiting(Time::NEVER)
    }
}
