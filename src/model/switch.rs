//! The choices that RFCs leave, by name. Each is a lawful answer to some decision, other than the usual one.

macro_rules! switches {
    ($($name:ident $text:literal $meaning:literal;)*) => {
        /// A choice other than the usual one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Switch {
            $(#[doc = $meaning] $name,)*
        }

        impl Switch {
            /// All of them; choices that exclude each other follow one another.
            pub const ALL: &[Switch] = &[$(Switch::$name),*];

            /// As a case and a user write it: `syn-data=discard`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Switch::$name => $text,)*
                }
            }

            /// What the endpoint does under this choice, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Switch::$name => $meaning,)*
                }
            }
        }
    };
}

switches! {
    CloseWithUnreadFin "close-with-unread=fin" "CLOSE with unread data is orderly.";
    DataAfterCloseFin "data-after-close=fin" "What comes after CLOSE is acknowledged and thrown away.";
    TextAfterFinAnswer "text-after-fin=answer" "Text after the peer's FIN is answered by an ACK; it is ignored in any case.";
    SecondFinCount "second-fin=count" "A second FIN, with the next number, is acknowledged.";
    SecondFinIgnore "second-fin=ignore" "A second FIN, with the next number, is not answered.";
    LastAckStrayAnswer "last-ack-stray=answer" "An ACK in LAST-ACK that acknowledges nothing new is answered.";
    Rfc1337 "rfc1337" "RSTs in TIME-WAIT are ignored.";
    RightOverlapKeep "right-overlap=keep" "Text past the right edge is taken along with what lies inside.";
    KeepOutOfOrderNo "keep-out-of-order=no" "Text above a gap is thrown away.";
    AckAboveGapUnused "ack-above-gap=unused" "What a segment above a gap acknowledges is not used, nor is its window.";
    KeepOutOfOrderFinNo "keep-out-of-order-fin=no" "A FIN above a gap is thrown away.";
    ReopenTimeWaitNo "reopen-time-wait=no" "No SYN opens a connection out of TIME-WAIT.";
    AnswerUnfitSyn "answer-unfit-syn" "A SYN that may not reopen a connection in TIME-WAIT is challenged.";
    TimeWaitAnswers "time-wait-answers" "Every ACK in TIME-WAIT is answered.";
    SynDataAcknowledge "syn-data=acknowledge" "Text and FIN on a SYN are acknowledged with it.";
    SynDataDiscard "syn-data=discard" "Text and FIN on a SYN are thrown away.";
    SynFinNo "syn-fin=no" "A SYN that carries FIN is dropped.";
    SynAckDataDiscard "syn-ack-data=discard" "Text and FIN on a SYN,ACK are thrown away.";
    HalfOpenSynReset "half-open-syn=reset" "A SYN that leads from SYN-RECEIVED back to LISTEN is answered by a reset.";
    BacklogFullReset "backlog-full=reset" "A SYN that finds the backlog full is reset.";
    RepeatedSynSynAck "repeated-syn=syn-ack" "A repeated SYN, or another outside the window, is answered by the SYN,ACK once more.";
    DelayedAckNo "delayed-ack=no" "Everything is acknowledged at once.";
    NagleNo "nagle=no" "Nagle's algorithm is off.";
    KeepAliveProbeOctet "keep-alive-probe=octet" "A keep-alive probe carries an octet.";
    KeepAliveEndReset "keep-alive-end=reset" "Unanswered keep-alive probes end in a reset.";
    WindowProbeOld "window-probe=old" "A closed window is probed with an old number.";
    ShrunkWindowRetransmit "shrunk-window=retransmit" "What was sent before the window was closed goes out again in the place of a probe.";
    WindowGrowsOnce "window-grows=once" "Half of the buffer is offered at first, and the rest when that has come.";
    WindowGrowsTwice "window-grows=twice" "A quarter of the buffer is offered at first, then three, then all.";
    UserTimeoutEndReset "user-timeout-end=reset" "A connection that is given up is reset.";
    Rfc5961No "rfc5961=no" "RSTs and SYNs in the window are obeyed, as before RFC 5961.";
    AckRangeCheckNo "ack-range-check=no" "The range of ACK numbers is not checked as RFC 5961 allows.";
    TimestampsNo "timestamps=no" "Timestamps are neither offered nor agreed to.";
    RequireTimestampsNo "require-timestamps=no" "Segments without the timestamps agreed upon are taken.";
    WindowScaleNo "window-scale=no" "Window scaling is neither offered nor agreed to.";
    SackNo "sack=no" "SACK is neither offered nor agreed to.";
    SackBlocksOne "sack-blocks=one" "Only one SACK block is ever sent, the newest.";
    DsackNo "dsack=no" "Duplicates are not reported.";
    RecoveryNewreno "recovery=newreno" "Losses are recovered from without SACK.";
    Rack "rack" "Losses are detected by time, and tail loss probes are sent (RFC 8985).";
    LimitedTransmitNo "limited-transmit=no" "The first duplicate ACKs let nothing out.";
    FRto "f-rto" "After a timeout two ACKs tell whether it was spurious (RFC 5682).";
    InitialWindow10 "initial-window=10" "The initial window is that of RFC 6928.";
    RestartAfterIdleNo "restart-after-idle=no" "cwnd stays as it is when a connection idles.";
    SynCookiesNever "syn-cookies=never" "There are no SYN cookies.";
    SynCookiesAlways "syn-cookies=always" "Every SYN is answered by a cookie.";
    CookieLifeLonger "cookie-life=longer" "A SYN cookie is good for three minutes instead of two.";
    CookieOptions "cookie-options" "The timestamp of a SYN cookie remembers scaling and SACK.";
    EcnOff "ecn=off" "ECN is not agreed to.";
    EcnAsk "ecn=ask" "ECN is asked for.";
    EcnSynAgainAsk "ecn-syn-again=ask" "A SYN that is sent again asks for ECN again.";
    HardErrorsAbort "hard-errors=abort" "A hard ICMP error ends any connection.";
    SoftErrorsAbort "soft-errors=abort" "A soft ICMP error ends an attempt to connect.";
    PathMtuDiscoveryNo "path-mtu-discovery=no" "The path's MTU is not looked for.";
    IllegalOptionDrop "illegal-option=drop" "A segment with an illegal option is dropped.";
    IllegalOptionReset "illegal-option=reset" "A segment with an illegal option resets the connection.";
    AbortWithAck "abort-with-ack" "ABORT's RST carries an ACK.";
    AbortInTimeWaitStay "abort-in-time-wait=stay" "ABORT in TIME-WAIT lets the wait run on.";
    CloseInSynReceivedWait "close-in-syn-received=wait" "CLOSE in SYN-RECEIVED waits for ESTABLISHED.";
    TimeWaitAfterReset "time-wait-after-reset" "An endpoint that resets a connection enters TIME-WAIT.";
    UserTimeoutOption "user-timeout-option" "The user timeout is announced and taken over.";
}

impl Switch {
    /// The choice of that name.
    pub fn from_name(name: &str) -> Option<Switch> {
        Switch::ALL.iter().copied().find(|switch| switch.name() == name)
    }

    /// What is chosen; it is the same for choices that exclude each other: `syn-data`.
    pub(super) fn subject(self) -> &'static str {
        self.name().split('=').next().unwrap_or_default()
    }
}

/// A set of them, one at most for each subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Switches(pub(super) u64);

const _: () = assert!(Switch::ALL.len() <= u64::BITS as usize, "a set has one bit for each");

impl Switches {
    /// These and this one, which replaces another of the same subject.
    pub fn with(self, switch: Switch) -> Switches {
        let others = |other: &&Switch| other.subject() == switch.subject();
        let others = Switch::ALL.iter().filter(others);
        let kept = others.fold(self, |kept, other| kept.without(*other));
        Switches(kept.0 | 1 << switch as u32)
    }

    /// These but this one.
    pub const fn without(self, switch: Switch) -> Switches {
        Switches(self.0 & !(1 << switch as u32))
    }

    /// Whether it is among them.
    pub const fn contains(self, switch: Switch) -> bool {
        self.0 & 1 << switch as u32 != 0
    }

    /// Each of them, in the order of [`Switch::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Switch> {
        Switch::ALL.iter().copied().filter(move |switch| self.contains(*switch))
    }
}

impl FromIterator<Switch> for Switches {
    fn from_iter<I: IntoIterator<Item = Switch>>(switches: I) -> Switches {
        switches.into_iter().fold(Switches::default(), Switches::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_is_found_and_none_is_used_twice() {
        let names: BTreeSet<&str> = Switch::ALL.iter().map(|switch| switch.name()).collect();
        assert_eq!(names.len(), Switch::ALL.len());
        assert!(
            Switch::ALL
                .iter()
                .all(|switch| Switch::from_name(switch.name()) == Some(*switch))
        );
    }

    #[test]
    fn the_last_choice_of_a_subject_holds() {
        let chosen = [Switch::SynDataAcknowledge, Switch::SynFinNo, Switch::SynDataDiscard];
        let chosen: Switches = chosen.into_iter().collect();
        assert_eq!(
            chosen.iter().collect::<Vec<_>>(),
            [Switch::SynDataDiscard, Switch::SynFinNo]
        );
        assert!(!chosen.without(Switch::SynFinNo).contains(Switch::SynFinNo));
    }
}
