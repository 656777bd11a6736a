//! What a call returned, compared with what the script says.

use sim::sys::{Control, ControlData, Detail, OptionValue, PollFd, Reply, abi};

use super::call::epoll_event;
use super::values::{Complaint, bracketed, c_int, int, items};
use super::{Runner, Step, Stop};
use crate::packetdrill::ast::{Call, Event, Expr, ExprKind};

impl Runner<'_> {
    /// Compares; then the descriptors that the call made or took have their meaning.
    pub(super) fn compare_reply(&mut self, event: &Event, line: &Call, reply: &Reply) -> Step {
        if let Err((expected, seen)) = self.reply_differs(line, reply) {
            let failure = self
                .failure(event.span.clone(), format!("{} did not do what is expected", line.name))
                .marked(line.result_span.clone(), format!("expected {expected}, seen {seen}"))
                .expected(expected)
                .seen(seen);
            return Err(Stop::Failed(Box::new(failure)));
        }
        self.after(line, reply).map_err(|what| self.failed(line.result_span.clone(), what))
    }

    /// What was expected and what was seen, if that differs.
    fn reply_differs(&self, line: &Call, reply: &Reply) -> Result<(), (String, String)> {
        let seen = match reply.result {
            Ok(n) => n.to_string(),
            Err(errno) => format!("-1 {errno}"),
        };
        let expected = match &line.errno {
            Some(errno) => format!("{} {errno}", line.result),
            None => line.result.to_string(),
        };
        let differs = || Err((expected.clone(), seen.clone()));
        let makes_fd = matches!(
            line.name.as_str(),
            "socket" | "accept" | "accept4" | "epoll_create" | "epoll_create1" | "open"
        );
        match (reply.result, int(&line.result)) {
            _ if line.result.is_ellipsis() => {}
            (_, Err(_)) => return differs(),
            (Ok(_), Ok(wanted)) if makes_fd && wanted >= 0 => {}
            (Ok(n), Ok(wanted)) if n == wanted => {}
            (Err(_), Ok(-1)) => {}
            _ => return differs(),
        }
        match (reply.result, &line.errno) {
            (Err(errno), Some(wanted)) if abi::constant(wanted) != Some(errno.number().into()) => {
                return differs();
            }
            (Ok(_), Some(_)) => return differs(),
            _ => {}
        }
        if reply.result.is_err() {
            return Ok(());
        }
        self.detail_differs(line, &reply.detail)
    }

    fn detail_differs(&self, line: &Call, detail: &Detail) -> Result<(), (String, String)> {
        let arg =
            |i: usize| line.args.get(i).ok_or_else(|| (format!("argument {}", i + 1), "none".to_owned()));
        let complain = |complaint: Complaint| (complaint.what, "that".to_owned());
        match (line.name.as_str(), detail) {
            ("getsockopt", Detail::Option(value)) => self.option_differs(line, value),
            ("ioctl", Detail::Int(n)) if line.args.len() > 2 => {
                let wanted = bracketed(arg(2)?).map_err(complain)?;
                same(&wanted, n)
            }
            ("poll", Detail::Poll(entries)) => poll_differs(arg(0)?, entries),
            ("epoll_wait", Detail::Epoll(events)) => {
                let Some(event) = events.first() else { return Ok(()) };
                let wanted = match &arg(1)?.kind {
                    ExprKind::List(list) if list.len() == 1 => epoll_event(&list[0]),
                    ExprKind::List(_) => return Err(("one event".into(), "a list of them".into())),
                    _ => epoll_event(arg(1)?),
                };
                let wanted = wanted.map_err(complain)?;
                let show = |events: i32, data: u64| format!("events {events:#x}, data {data}");
                if (wanted.events, wanted.data) == (event.events, event.data) {
                    return Ok(());
                }
                Err((show(wanted.events, wanted.data), show(event.events, event.data)))
            }
            ("recvmsg", Detail::Message(message)) => {
                let wanted = arg(1)?;
                if let Some(flags) = wanted.field("msg_flags")
                    && !flags.is_ellipsis()
                {
                    let flags = c_int(flags).map_err(complain)?;
                    if flags != message.flags {
                        return Err((format!("msg_flags {flags:#x}"), format!("{:#x}", message.flags)));
                    }
                }
                let none = Vec::new();
                let wanted = match wanted.field("msg_control") {
                    Some(list) => items(list).map_err(complain)?,
                    None => &none,
                };
                self.controls_differ(wanted, &message.control)
            }
            _ => Ok(()),
        }
    }

    fn option_differs(&self, line: &Call, value: &OptionValue) -> Result<(), (String, String)> {
        let Some(wanted) = line.args.get(3).filter(|wanted| !wanted.is_ellipsis()) else { return Ok(()) };
        // The buffers of FreeBSD are its own.
        let buffer =
            matches!(&line.args[2].kind, ExprKind::Word(word) if word == "SO_RCVBUF" || word == "SO_SNDBUF");
        if self.is_foreign() && buffer {
            return Ok(());
        }
        match (&wanted.kind, value) {
            (ExprKind::Str(text), OptionValue::Text(seen)) => {
                same(&text.trim_end_matches('\0'), &seen.as_str().trim_end_matches('\0'))
            }
            (ExprKind::List(_), OptionValue::Int(n)) => {
                let wanted = bracketed(wanted).map_err(|complaint| (complaint.what, n.to_string()))?;
                // An int: 0xffffffff is -1.
                if wanted as i32 == *n as i32 { Ok(()) } else { Err((wanted.to_string(), n.to_string())) }
            }
            (ExprKind::Struct(_), OptionValue::Linger { onoff, linger }) => {
                let of = |name: &str| wanted.field(name).and_then(|field| c_int(field).ok());
                same(&(of("onoff"), of("linger")), &(Some(*onoff), Some(*linger)))
            }
            _ => Err((wanted.to_string(), format!("{value:?}"))),
        }
    }

    fn controls_differ(&self, wanted: &[Expr], seen: &[Control]) -> Result<(), (String, String)> {
        if wanted.len() != seen.len() {
            return Err((format!("{} control messages", wanted.len()), format!("{seen:?}")));
        }
        wanted.iter().zip(seen).try_for_each(|(wanted, seen)| self.control_differs(wanted, seen))
    }

    fn control_differs(&self, wanted: &Expr, seen: &Control) -> Result<(), (String, String)> {
        let complain = |complaint: Complaint| (complaint.what, format!("{seen:?}"));
        let number = |name: &str| match wanted.field(name) {
            Some(field) => c_int(field).map_err(complain),
            None => Err((format!("a control message with {name}"), wanted.to_string())),
        };
        same(&(number("cmsg_level")?, number("cmsg_type")?), &(seen.level, seen.kind))?;
        let Some(data) = wanted.field("cmsg_data") else { return Ok(()) };
        let part = |name: &str| match data.field(name) {
            Some(field) => int(field).map_err(complain),
            None => Err((format!("cmsg_data with {name}"), data.to_string())),
        };
        match &seen.data {
            ControlData::Int(n) => same(&c_int(data).map_err(complain)?, n),
            ControlData::Timestamp(at) => {
                let wanted = part("scm_sec")? * 1_000_000 + part("scm_nsec")? / 1000;
                let seen = (at.as_nanos() / 1000) as i64;
                let near = wanted == 0 || wanted.abs_diff(seen) <= self.tolerance_usecs;
                if near { Ok(()) } else { Err((format!("at {wanted} us"), format!("at {seen} us"))) }
            }
            ControlData::Error(error) => {
                let wanted = (part("ee_errno")?, part("ee_origin")?, part("ee_type")?, part("ee_code")?);
                same(
                    &wanted,
                    &(error.errno.into(), error.origin.into(), error.kind.into(), error.code.into()),
                )?;
                same(&(part("ee_info")?, part("ee_data")?), &(error.info.into(), error.data.into()))
            }
        }
    }
}

fn same<T: PartialEq + std::fmt::Debug>(wanted: &T, seen: &T) -> Result<(), (String, String)> {
    if wanted == seen { Ok(()) } else { Err((format!("{wanted:?}"), format!("{seen:?}"))) }
}

fn poll_differs(wanted: &Expr, entries: &[PollFd]) -> Result<(), (String, String)> {
    let list = items(wanted).map_err(|complaint| (complaint.what, "that".to_owned()))?;
    for (wanted, entry) in list.iter().zip(entries) {
        let revents = match wanted.field("revents") {
            Some(field) => c_int(field).map_err(|complaint| (complaint.what, "that".to_owned()))?,
            None => 0,
        };
        if revents != entry.revents {
            return Err((format!("revents {revents:#x}"), format!("{:#x}", entry.revents)));
        }
    }
    Ok(())
}
