//! Steps that answer: echo, reply, and servers of requests.

use tcp::tcb::{Received, SendFlags};
use tcp::{Duration, Errno, Payload};

use super::{BLOCK, counted, failed, read_outcome};
use crate::host::kernel::{Ctx, Kernel};
use crate::host::programs::script::{Doing, Progress};
use crate::host::programs::{Who, text};

impl Doing {
    pub(super) fn echo(&mut self, k: &mut Kernel, ctx: &mut Ctx<'_>, who: &Who<'_>) -> Progress {
        let result = loop {
            match self.flush(SendFlags::default(), k, ctx) {
                Ok(()) => {}
                Err(Errno::EAGAIN) => return Progress::Wait,
                Err(errno) => break Err(errno),
            }
            match self.read(BLOCK, k, ctx) {
                Ok(Received::Data(data)) => self.work.pending = data,
                Ok(Received::Eof) => break Ok(()),
                Err(Errno::EAGAIN) => return Progress::Wait,
                Err(errno) => break Err(errno),
            }
        };
        ctx.out.program(who.label, || {
            let text = match result {
                Ok(()) => format!("{}, EOF", self.work.done),
                Err(errno) => failed(errno, self.work.done),
            };
            ("echo until EOF", text)
        });
        if result.is_ok() { Progress::Done } else { Progress::Failed }
    }
    /// A chat: each read and each answer is worth a line.
    pub(super) fn reply(
        &mut self,
        max: u32,
        with: &Payload,
        k: &mut Kernel,
        ctx: &mut Ctx<'_>,
        who: &Who<'_>,
    ) -> Progress {
        loop {
            if !self.work.pending.is_empty() {
                let result = self.flush(SendFlags::default(), k, ctx);
                if result == Err(Errno::EAGAIN) {
                    return Progress::Wait;
                }
                ctx.out.program(who.label, || {
                    (
                        format!("send({})", text::data(with)),
                        counted(result, with.len().into(), self.work.done),
                    )
                });
                if result.is_err() {
                    return Progress::Failed;
                }
            }
            let result = self.read(max, k, ctx);
            if result == Err(Errno::EAGAIN) {
                return Progress::Wait;
            }
            ctx.out.program(who.label, || (format!("recv({max})"), read_outcome(&result)));
            match result {
                Ok(Received::Data(_)) => {
                    self.work.done = 0;
                    self.work.pending = with.clone();
                }
                Ok(Received::Eof) => return Progress::Done,
                Err(_) => return Progress::Failed,
            }
        }
    }
    pub(super) fn respond(
        &mut self,
        request: u64,
        response: u64,
        think: Duration,
        k: &mut Kernel,
        ctx: &mut Ctx<'_>,
        who: &Who<'_>,
    ) -> Progress {
        let request = request.max(1);
        let result = loop {
            let step = match self.work.phase {
                0 => self.read_request(request, think, k, ctx),
                1 if ctx.now < self.work.until => {
                    return Progress::WaitUntil(self.work.until);
                }
                _ => self.write_response(response, k, ctx),
            };
            match step {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(Errno::EAGAIN) => return Progress::Wait,
                Err(errno) => break Err(errno),
            }
        };
        self.served("serve requests until EOF", result, ctx, who)
    }
    /// Reads on in a request. Whether the stream goes on.
    fn read_request(
        &mut self,
        request: u64,
        think: Duration,
        k: &mut Kernel,
        ctx: &mut Ctx<'_>,
    ) -> Result<bool, Errno> {
        let left = (request - self.work.unit).min(BLOCK.into()) as u32;
        match self.read(left, k, ctx)? {
            Received::Eof => Ok(false),
            Received::Data(data) => {
                self.work.unit += u64::from(data.len());
                if self.work.unit == request {
                    self.work.phase = 1;
                    self.work.unit = 0;
                    self.work.until = ctx.now + think;
                }
                Ok(true)
            }
        }
    }
    /// Writes on at a response.
    fn write_response(&mut self, response: u64, k: &mut Kernel, ctx: &mut Ctx<'_>) -> Result<bool, Errno> {
        if self.work.phase == 1 {
            self.work.phase = 2;
            self.work.done = 0;
        }
        while self.work.done < response {
            if self.work.pending.is_empty() {
                self.work.pending = self.pattern((response - self.work.done).min(BLOCK.into()), k);
            }
            self.flush(SendFlags::default(), k, ctx)?;
        }
        self.work.phase = 0;
        self.work.units += 1;
        Ok(true)
    }
    /// Serves requests whose first eight bytes say how large the response shall be.
    pub(super) fn answer(
        &mut self,
        request: u32,
        k: &mut Kernel,
        ctx: &mut Ctx<'_>,
        who: &Who<'_>,
    ) -> Progress {
        let result = loop {
            let step = match self.work.phase {
                0 => self.read_size(u64::from(request.max(8)), k, ctx),
                _ => {
                    let size = self.work.shown.first_chunk().map_or(0, |size| u64::from_be_bytes(*size));
                    self.write_response(size, k, ctx)
                }
            };
            match step {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(Errno::EAGAIN) => return Progress::Wait,
                Err(errno) => break Err(errno),
            }
        };
        self.served("answer requests until EOF", result, ctx, who)
    }
    /// Tells how many requests were served, and how it ended.
    fn served(
        &self,
        call: &'static str,
        result: Result<(), Errno>,
        ctx: &mut Ctx<'_>,
        who: &Who<'_>,
    ) -> Progress {
        ctx.out.program(who.label, || {
            let text = match result {
                Ok(()) if self.work.unit > 0 => {
                    format!("{} requests, EOF within the next", self.work.units)
                }
                Ok(()) => format!("{} requests, EOF", self.work.units),
                Err(errno) => format!("{errno} after {} requests", self.work.units),
            };
            (call, text)
        });
        if result.is_ok() { Progress::Done } else { Progress::Failed }
    }
    /// Reads on in a request, and keeps its first eight bytes. Whether the stream goes on.
    fn read_size(&mut self, request: u64, k: &mut Kernel, ctx: &mut Ctx<'_>) -> Result<bool, Errno> {
        let left = (request - self.work.unit).min(BLOCK.into()) as u32;
        let Received::Data(data) = self.read(left, k, ctx)? else { return Ok(false) };
        if self.work.unit == 0 {
            self.work.shown.clear();
        }
        let missing = 8 - self.work.shown.len().min(8) as u32;
        (0..data.len().min(missing)).for_each(|i| self.work.shown.push(data.byte(i)));
        self.work.unit += u64::from(data.len());
        if self.work.unit == request {
            self.work.phase = 1;
            self.work.unit = 0;
        }
        Ok(true)
    }
}
