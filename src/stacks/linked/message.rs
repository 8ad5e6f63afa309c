//! What this process and its child say to each other: each message is its length, in four octets, and its octets.

use crate::drive::{EndedRun, Job};
use crate::engine::{Outcome, Waive};
use crate::stack::IpVersion;
use core::time::Duration;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::sync::Arc;

/// How much is read at once.
const PIECE: usize = 64 * 1024;

/// A world that a child is to make.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) jobs: Vec<JobName>,
    /// Most runs of them at the same time.
    pub(super) at_once: usize,
    /// How long the stack may take over an input.
    pub(super) wait: Duration,
    /// How many frames, results and events it may emit before it is polled again.
    pub(super) emissions: usize,
}

/// A job by its name: the child has the same cases.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct JobName {
    pub(super) case: Arc<str>,
    pub(super) row: String,
    ip: IpVersion,
    wrap: bool,
    seed: u64,
    alone: bool,
    waived: Arc<[Waive]>,
}

impl JobName {
    pub(super) fn of(job: &Job) -> JobName {
        JobName {
            case: Arc::clone(&job.script.case),
            row: job.script.row.clone(),
            ip: job.ip,
            wrap: job.wrap,
            seed: job.seed,
            alone: job.alone,
            waived: Arc::clone(&job.waived),
        }
    }

    /// The job that carries out `script`, which has its name.
    pub(super) fn with(&self, script: &Arc<crate::script::Script>) -> Job {
        Job {
            script: Arc::clone(script),
            ip: self.ip,
            wrap: self.wrap,
            seed: self.seed,
            alone: self.alone,
            waived: Arc::clone(&self.waived),
        }
    }
}

/// What a child says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Said {
    /// The run with this index in the order has ended.
    Ended {
        at: usize,
        outcome: Box<Outcome>,
        beside: Vec<usize>,
    },
    /// All runs of the order have ended.
    Done,
    /// The stack does not return; the text says from what. The child says nothing more.
    Hangs(String),
    /// A bug of ours, or nothing that can be carried out.
    Failed(String),
}

impl Said {
    pub(super) fn ended(at: usize, ended: EndedRun) -> Said {
        Said::Ended {
            at,
            outcome: Box::new(ended.outcome),
            beside: ended.beside,
        }
    }
}

/// Writes a message.
pub(super) fn write(mut to: impl Write, message: &impl Serialize) -> io::Result<()> {
    let mut octets = postcard::to_extend(message, vec![0; 4]).map_err(io::Error::other)?;
    let length = u32::try_from(octets.len() - 4).map_err(io::Error::other)?;
    octets[..4].copy_from_slice(&length.to_le_bytes());
    to.write_all(&octets)
}

/// Octets that have come, taken message by message.
pub(super) struct Inbox {
    octets: Vec<u8>,
    piece: Box<[u8]>,
}

impl Inbox {
    pub(super) fn new() -> Inbox {
        let (octets, piece) = (Vec::new(), vec![0; PIECE].into());
        Inbox { octets, piece }
    }

    /// Reads what there is; 0: the other end is closed.
    pub(super) fn fill(&mut self, mut from: impl Read) -> io::Result<usize> {
        let count = from.read(&mut self.piece)?;
        self.octets.extend_from_slice(&self.piece[..count]);
        Ok(count)
    }

    /// The next message, if all of it has come.
    pub(super) fn take<M: DeserializeOwned>(&mut self) -> io::Result<Option<M>> {
        let Some((length, rest)) = self.octets.split_first_chunk() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(*length) as usize;
        let Some(octets) = rest.get(..length) else {
            return Ok(None);
        };
        let message = postcard::from_bytes(octets).map_err(io::Error::other)?;
        self.octets.drain(..4 + length);
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_as_they_were_sent_in_whatever_pieces() {
        let mut octets = Vec::new();
        write(&mut octets, &Said::Hangs("a loop".to_owned())).unwrap();
        write(&mut octets, &Said::Done).unwrap();
        let mut inbox = Inbox::new();
        let mut heard = Vec::new();
        for octet in octets {
            inbox.fill(&[octet][..]).unwrap();
            heard.extend(inbox.take::<Said>().unwrap());
        }
        assert!(
            matches!(&heard[..], [Said::Hangs(text), Said::Done] if text == "a loop"),
            "{heard:?}"
        );
    }
}
