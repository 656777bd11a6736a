//! One flow of a population: opens a connection, does what its kind does, and is gone.

use std::net::SocketAddr;

use tcp::tcb::{Received, SendFlags};
use tcp::{Duration, Errno, Payload, Time};

use super::script::Outcome;
use super::{STEPS_AT_ONCE, Who};
use crate::host::kernel::{Ctx, Kernel};
use crate::host::sockets::SocketId;
use crate::rng::{Draw, Few};
use crate::spec::{FlowKind, Population};

/// Bytes of one write or read.
const BLOCK: u32 = 65_536;

/// A flow on its way.
#[derive(Clone, Debug, Hash)]
pub(super) struct Flow {
    to: SocketAddr,
    chance: Few,
    socket: Option<SocketId>,
    phase: Phase,
    /// Bytes to be written or read in this phase, besides what is pending.
    left: u64,
    /// What is to be written first.
    pending: Payload,
    /// Pattern bytes written so far.
    offset: u64,
    /// Requests or bursts done.
    done: u32,
    /// When the present request began, and how large its response is.
    began: Time,
    response: u64,
    /// Until when it pauses.
    until: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Fresh,
    Connecting,
    Writing,
    Reading,
    Pausing,
}

/// How a phase ended.
enum Next {
    /// This is next.
    Go(Phase),
    /// It waits, until this time or for news of its socket.
    Wait(Time),
    /// The flow is done.
    Done,
}

impl Flow {
    pub(super) fn new(to: SocketAddr, seed: u64, now: Time) -> Flow {
        Flow {
            to,
            chance: Few(seed),
            socket: None,
            phase: Phase::Fresh,
            left: 0,
            pending: Payload::Empty,
            offset: 0,
            done: 0,
            began: now,
            response: 0,
            until: Time::ZERO,
        }
    }

    /// Goes on as far as it can.
    pub(super) fn run(
        &mut self,
        spec: &Population,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        who: &Who<'_>,
    ) -> Outcome {
        for _ in 0..STEPS_AT_ONCE {
            let next = match self.phase {
                Phase::Fresh => self.connect(spec, kernel, ctx, who),
                Phase::Connecting => self.connected(spec, kernel, ctx),
                Phase::Writing => self.write(spec, kernel, ctx),
                Phase::Reading => self.read(spec, kernel, ctx),
                Phase::Pausing if ctx.now < self.until => Ok(Next::Wait(self.until)),
                Phase::Pausing => self.after_pause(spec, ctx),
            };
            match next {
                Ok(Next::Go(phase)) => self.phase = phase,
                Ok(Next::Wait(until)) => return Outcome::Waiting(until),
                Ok(Next::Done) => return self.end(None, kernel, ctx, who),
                Err(Errno::EAGAIN | Errno::EINPROGRESS) => return Outcome::Waiting(Time::NEVER),
                Err(errno) => return self.end(Some(errno), kernel, ctx, who),
            }
        }
        Outcome::Waiting(ctx.now + super::BREATHER)
    }

    fn connect(
        &mut self,
        spec: &Population,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        who: &Who<'_>,
    ) -> Result<Next, Errno> {
        let socket = kernel.socket(who.process, who.task);
        self.socket = Some(socket);
        spec.options.iter().try_for_each(|option| kernel.set_option(ctx, socket, *option))?;
        match kernel.connect(ctx, socket, self.to) {
            Err(Errno::EINPROGRESS) => {
                self.phase = Phase::Connecting;
                Ok(Next::Wait(Time::NEVER))
            }
            result => result.map(|()| Next::Go(Phase::Connecting)),
        }
    }

    fn connected(&mut self, spec: &Population, kernel: &mut Kernel, ctx: &Ctx<'_>) -> Result<Next, Errno> {
        kernel.connect_outcome(self.socket()?)?;
        Ok(match &spec.kind {
            FlowKind::Endless => {
                self.left = u64::MAX;
                Next::Go(Phase::Writing)
            }
            FlowKind::Upload(size) => {
                self.left = size.value(self.chance.bits()).max(1);
                Next::Go(Phase::Writing)
            }
            FlowKind::Requests { count: 0, .. } => Next::Done,
            FlowKind::Requests { .. } | FlowKind::OnOff { .. } => self.begin(spec, ctx),
            FlowKind::Idle(Some(hold)) => {
                self.until = ctx.now + *hold;
                Next::Go(Phase::Pausing)
            }
            FlowKind::Idle(None) => {
                self.left = u64::MAX;
                Next::Go(Phase::Reading)
            }
        })
    }

    /// Begins a request or a burst.
    fn begin(&mut self, spec: &Population, ctx: &Ctx<'_>) -> Next {
        match &spec.kind {
            FlowKind::Requests { request, response, count, .. } => {
                // A flow of one request is measured as a whole, from connect(2) on.
                if *count != 1 {
                    self.began = ctx.now;
                }
                self.response = response.value(self.chance.bits()).max(1);
                self.pending = Payload::from_bytes(&self.response.to_be_bytes());
                self.left = u64::from(*request).saturating_sub(8);
            }
            FlowKind::OnOff { burst, .. } => self.left = burst.value(self.chance.bits()).max(1),
            FlowKind::Endless | FlowKind::Upload(_) | FlowKind::Idle(_) => {}
        }
        Next::Go(Phase::Writing)
    }

    fn write(&mut self, spec: &Population, kernel: &mut Kernel, ctx: &mut Ctx<'_>) -> Result<Next, Errno> {
        let socket = self.socket()?;
        loop {
            if self.pending.is_empty() {
                if self.left == 0 {
                    break;
                }
                let len = self.left.min(BLOCK.into());
                let stream = kernel.stream_id(socket);
                self.pending = Payload::Pattern { stream, offset: self.offset, len: len as u32 };
                self.offset += len;
                self.left -= len;
            }
            // A request goes out as one, though its first bytes are made apart.
            let more = self.left > 0 && self.pending.len() <= 8;
            let flags = SendFlags { more, ..SendFlags::default() };
            let taken = kernel.send(ctx, socket, &self.pending, flags)?;
            if taken == 0 {
                return Err(Errno::EAGAIN);
            }
            let left = self.pending.len().saturating_sub(taken);
            self.pending = self.pending.slice(taken, left);
        }
        Ok(match &spec.kind {
            FlowKind::Requests { .. } => {
                self.left = self.response;
                Next::Go(Phase::Reading)
            }
            FlowKind::OnOff { pause, bursts, .. } => self.pause(*bursts, pause, ctx),
            FlowKind::Endless | FlowKind::Upload(_) | FlowKind::Idle(_) => Next::Done,
        })
    }

    fn read(&mut self, spec: &Population, kernel: &mut Kernel, ctx: &mut Ctx<'_>) -> Result<Next, Errno> {
        let socket = self.socket()?;
        while self.left > 0 {
            match kernel.recv(ctx, socket, self.left.min(BLOCK.into()) as u32)? {
                Received::Data(data) => self.left -= u64::from(data.len()).min(self.left),
                Received::Eof => return Ok(Next::Done),
            }
        }
        let FlowKind::Requests { count, request, think, .. } = &spec.kind else { return Ok(Next::Done) };
        if *count != 1 {
            let up = u64::from(*request).max(8);
            kernel.transfer_is_done(ctx, socket, self.began, (up, self.response));
        }
        Ok(self.pause(*count, think, ctx))
    }

    /// One more request or burst is done, of so many; zero: there is no bound.
    fn pause(&mut self, of: u32, time: &Draw, ctx: &Ctx<'_>) -> Next {
        self.done = self.done.saturating_add(1);
        if of > 0 && self.done >= of {
            return Next::Done;
        }
        self.until = ctx.now + Duration::from_nanos(time.value(self.chance.bits()));
        Next::Go(Phase::Pausing)
    }

    fn after_pause(&mut self, spec: &Population, ctx: &Ctx<'_>) -> Result<Next, Errno> {
        Ok(match &spec.kind {
            FlowKind::Requests { .. } | FlowKind::OnOff { .. } => self.begin(spec, ctx),
            FlowKind::Endless | FlowKind::Upload(_) | FlowKind::Idle(_) => Next::Done,
        })
    }

    fn socket(&self) -> Result<SocketId, Errno> {
        self.socket.ok_or(Errno::EBADF)
    }

    fn end(
        &mut self,
        errno: Option<Errno>,
        kernel: &mut Kernel,
        ctx: &mut Ctx<'_>,
        who: &Who<'_>,
    ) -> Outcome {
        if let Some(socket) = self.socket.take() {
            // It is open: this flow opened it.
            let _ = kernel.close(ctx, socket);
        }
        ctx.out.program(who.label, || {
            let result = errno.map_or_else(|| "0".to_owned(), |errno| errno.to_string());
            (format!("flow to {}", self.to), result)
        });
        Outcome::Over
    }
}
