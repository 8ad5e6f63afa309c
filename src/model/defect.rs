//! Mistakes that stacks make, each to be switched on by itself.
//!
//! Every one is a mistake that some stack has made, or one slip of the keyboard away. Their names stand here; what the
//! endpoint does wrong stands in the tables of decisions, where a stack would go wrong as well. A case proves its worth
//! by failing when a mistake against what it covers is switched on.

macro_rules! defects {
    ($($name:ident $text:literal [$($breaks:literal),*] $doc:literal;)*) => {
        /// A mistake.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Defect {
            $(#[doc = $doc] $name,)*
        }

        impl Defect {
            /// All of them, in the order in which a segment would meet them.
            pub const ALL: &[Defect] = &[$(Defect::$name),*];

            /// As a user writes it: `accept-any-rst`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Defect::$name => $text,)*
                }
            }

            /// The requirements that it breaks, by id.
            pub const fn breaks(self) -> &'static [&'static str] {
                match self {
                    $(Defect::$name => &[$($breaks),*],)*
                }
            }

            /// What goes wrong, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Defect::$name => $doc,)*
                }
            }
        }
    };
}

defects! {
    SequenceCheckSkipped "sequence-check-skipped" ["RFC9293-SEG-ESTABLISHED-BADSEQ-OLD", "RFC9293-SEG-ESTABLISHED-BADSEQ-NEW"] "The sequence check lets everything through.";
    LeftEdgeOneTooFar "left-edge-one-too-far" ["RFC9293-3.4-ACCEPT-PART", "RFC9293-SEG-ESTABLISHED-KEEPALIVE"] "The window begins one number below RCV.NXT.";
    RightEdgeOneTooFar "right-edge-one-too-far" ["RFC9293-3.4-ACCEPT-PART", "RFC9293-SEG-ESTABLISHED-BADSEQ-NEW"] "The window ends one number too late.";
    RightEdgeOneTooNear "right-edge-one-too-near" ["RFC9293-3.4-ACCEPT-PART"] "The window ends one number too early.";
    RightOverlapLost "right-overlap-lost" ["RFC9293-SEG-ESTABLISHED-TRIM-RIGHT"] "Text past the right edge is acknowledged, and there is no room for it.";
    CompareWithoutWrap "compare-without-wrap" ["RFC9293-3.4-WRAP"] "The sequence check compares numbers as if they did not wrap.";
    OldSegmentNotAcked "old-segment-not-acked" ["RFC9293-SEG-ESTABLISHED-BADSEQ-OLD", "RFC9293-RSTGEN-SYNC-UNACC"] "A segment below the window draws no ACK.";
    SegmentBeyondWindowNotAcked "segment-beyond-window-not-acked" ["RFC9293-SEG-ESTABLISHED-BADSEQ-NEW", "RFC9293-RSTGEN-SYNC-UNACC"] "A segment beyond the window draws no ACK.";
    KeepAliveNotAnswered "keep-alive-not-answered" ["RFC9293-SEG-ESTABLISHED-KEEPALIVE"] "A keep-alive probe draws no ACK.";
    RepeatedFinNotAcked "repeated-fin-not-acked" ["RFC9293-SEG-CLOSEWAIT-FIN", "RFC9293-SEG-TIMEWAIT-FIN"] "A FIN that comes again draws no ACK, so a peer whose ACK was lost never ends.";
    RepeatedSynNotAcked "repeated-syn-not-acked" ["RFC9293-SEG-SYNRCVD-SYN-DUP"] "A SYN outside the window draws no ACK.";
    ZeroWindowNotAcked "zero-window-not-acked" ["RFC9293-3.8.6.1-ZWACK"] "What a closed window refuses draws no ACK, so the peer probes until it gives up.";
    UnacceptableDrawsReset "unacceptable-draws-reset" ["RFC9293-RSTGEN-DOUBT", "RFC9293-RSTGEN-SYNC-UNACC"] "An unacceptable segment is answered by a reset.";
    TimeWaitEndsOnOldSegment "time-wait-ends-on-old-segment" ["RFC9293-SEG-TIMEWAIT-BADSEQ-OLD", "RFC1337-2.2-H1"] "An old segment ends TIME-WAIT.";
    ZeroWindowAckIgnored "zero-window-ack-ignored" ["RFC9293-SEG-ESTABLISHED-ZEROWND-DATA-ACK"] "With a closed window the ACK on a refused segment is ignored.";
    ZeroWindowResetIgnored "zero-window-reset-ignored" ["RFC9293-SEG-ESTABLISHED-ZEROWND-RST", "RFC9293-MUST-66"] "With a closed window a reset is ignored.";
    AcceptRstOutsideWindow "accept-rst-outside-window" ["RFC9293-SEG-ESTABLISHED-RST-OUTWIN", "RFC5961-3.2-1"] "A reset is obeyed whatever its number.";
    OldDataNotTrimmed "old-data-not-trimmed" ["RFC9293-SEG-ESTABLISHED-TRIM-LEFT", "RFC9293-3.10-OVERLAP"] "Of a segment that overlaps what came, the old part is taken again.";
    OverlapDropped "overlap-dropped" ["RFC9293-SEG-ESTABLISHED-TRIM-LEFT"] "A segment that overlaps what came is thrown away whole.";
    FinBeyondWindowTaken "fin-beyond-window-taken" ["RFC9293-SEG-ESTABLISHED-TRIM-FIN"] "A FIN past the right edge is taken.";
    FinWithOldTextDropped "fin-with-old-text-dropped" ["RFC9293-3.10-OVERLAP", "RFC9293-SEG-ESTABLISHED-FIN"] "Where part of a segment's text came before, its FIN is ignored.";
    SimultaneousSynAckRefused "simultaneous-syn-ack-refused" ["RFC9293-SEG-SYNRCVD-SYNACK-SIMOPEN", "RFC9293-MUST-10"] "The SYN,ACK of a simultaneous open is an old segment, and the connection never comes about.";
    PawsMissing "paws-missing" ["RFC7323-5.3-1"] "Old timestamps are not noticed.";
    PawsRefusesEqual "paws-refuses-equal" ["RFC7323-5.3-5"] "A timestamp equal to TS.Recent counts as old.";
    PawsWithoutWrap "paws-without-wrap" ["RFC7323-5.2-1"] "Timestamps are compared as if they did not wrap.";
    PawsSparesAcks "paws-spares-acks" ["RFC7323-5.3-6"] "Segments without text are not checked for old timestamps.";
    PawsSilent "paws-silent" ["RFC7323-5.3-1"] "A segment with an old timestamp draws no ACK.";
    PawsOnResets "paws-on-resets" ["RFC7323-5.2-5"] "Resets are checked for old timestamps too.";
    MissingTimestampAnswered "missing-timestamp-answered" ["RFC7323-3.2-7"] "A segment without the timestamps agreed upon is dropped with an ACK.";
    MissingTimestampResets "missing-timestamp-resets" ["RFC7323-3.2-8"] "A segment without the timestamps agreed upon ends the connection.";
    TsRecentFollowsEverything "ts-recent-follows-everything" ["RFC7323-4.3-4", "RFC7323-4.3-2"] "TS.Recent is taken from segments above a gap too.";
    TsRecentFrozen "ts-recent-frozen" ["RFC7323-3.2-2", "RFC7323-4.3-4"] "TS.Recent stays what the SYN said.";
    TsRecentBeforeWindow "ts-recent-before-window" ["RFC7323-5.3-2", "RFC7323-5.3-3"] "TS.Recent is taken from a segment before it is known to lie in the window.";
    TsRecentFromResets "ts-recent-from-resets" ["RFC7323-5.2-6"] "TS.Recent is taken from resets.";
    TsRecentForEver "ts-recent-for-ever" ["RFC7323-5.5-1"] "TS.Recent stays valid however long nothing came.";
    PawsOnQueued "paws-on-queued" ["RFC7323-5.3-4"] "What waits above a gap is judged by its timestamp once more when the gap is filled.";
    AcceptAnyRst "accept-any-rst" ["RFC5961-3.2-3", "RFC9293-SEG-ESTABLISHED-RST-INWIN"] "A reset is obeyed anywhere in the window.";
    IgnoreRst "ignore-rst" ["RFC9293-SEG-ESTABLISHED-RST-EXACT", "RFC5961-3.2-2"] "Resets are never obeyed.";
    RstNeedsAck "rst-needs-ack" ["RFC9293-SEG-ESTABLISHED-RST-ACKVALUE"] "A reset without ACK is ignored.";
    RstWithDataIgnored "rst-with-data-ignored" ["RFC9293-SHLD-2", "RFC9293-SEG-ESTABLISHED-RST-DATA"] "A reset that carries text is ignored.";
    RstAckValueJudged "rst-ack-value-judged" ["RFC9293-SEG-ESTABLISHED-RST-ACKVALUE"] "A reset whose ACK is not SND.NXT is ignored.";
    RstIgnoredInSynReceived "rst-ignored-in-syn-received" ["RFC9293-SEG-SYNRCVD-RST-EXACT"] "A reset in SYN-RECEIVED is ignored.";
    RstIgnoredInFinWait "rst-ignored-in-fin-wait" ["RFC9293-SEG-FINWAIT1-RST-EXACT", "RFC9293-SEG-FINWAIT2-RST-EXACT"] "A reset in FIN-WAIT-1 and FIN-WAIT-2 is ignored.";
    RstIgnoredInCloseWait "rst-ignored-in-close-wait" ["RFC9293-SEG-CLOSEWAIT-RST-EXACT"] "A reset in CLOSE-WAIT is ignored.";
    RstIgnoredWhileClosing "rst-ignored-while-closing" ["RFC9293-SEG-CLOSING-RST-EXACT", "RFC9293-SEG-LASTACK-RST-EXACT"] "A reset in CLOSING and LAST-ACK is ignored.";
    NoChallengeForRst "no-challenge-for-rst" ["RFC5961-3.2-3"] "An inexact reset is dropped without a challenge ACK.";
    ChallengeAndObey "challenge-and-obey" ["RFC5961-3.2-4"] "An inexact reset is challenged, and obeyed all the same.";
    ExactRstChallenged "exact-rst-challenged" ["RFC5961-3.2-2"] "Even a reset at RCV.NXT is only challenged.";
    ExactRstOffByOne "exact-rst-off-by-one" ["RFC5961-3.2-2", "RFC5961-3.2-3"] "The number at which resets are obeyed is RCV.NXT+1.";
    RstAtSackEdgeObeyed "rst-at-sack-edge-obeyed" ["RFC5961-3.2-3"] "With SACK a reset at the end of the highest text that is held above a gap is obeyed.";
    ChallengeLimitFixed "challenge-limit-fixed" ["RFC5961-7-2"] "The limit of challenge ACKs cannot be changed.";
    ChallengeLimitShared "challenge-limit-shared" ["RFC5961-7-4"] "All connections share one limit of challenge ACKs, so what one draws another lacks.";
    RstNotTold "rst-not-told" ["RFC9293-SEG-ESTABLISHED-RST-EXACT", "RFC9293-MUST-12"] "The user is not told that the connection was reset: its calls wait for ever.";
    RstLooksLikeEnd "rst-looks-like-end" ["RFC9293-MUST-12"] "A reset looks to the user like an orderly end.";
    RstInSynReceivedClosesListener "rst-in-syn-received-closes-listener" ["RFC9293-SEG-SYNRCVD-RST-EXACT"] "A reset in SYN-RECEIVED leads to CLOSED instead of LISTEN.";
    RefusalNotToldInSynReceived "refusal-not-told-in-syn-received" ["RFC9293-SEG-SYNRCVD-RST-EXACT-ACTIVE", "RFC9293-MUST-11"] "After an active open a reset in SYN-RECEIVED is not told to the user.";
    RstWithFinEndsOrderly "rst-with-fin-ends-orderly" ["RFC9293-SEG-ESTABLISHED-RST-FIN"] "A reset with FIN is taken for a FIN.";
    NoChallengeForSyn "no-challenge-for-syn" ["RFC5961-4.2-1", "RFC9293-SEG-ESTABLISHED-SYN-INWIN"] "A SYN in the window is dropped without a challenge ACK.";
    NoChallengeForSynAck "no-challenge-for-syn-ack" ["RFC9293-SEG-ESTABLISHED-SYNACK"] "A SYN,ACK in the window is dropped without a challenge ACK.";
    SynInWindowResets "syn-in-window-resets" ["RFC5961-4.2-4", "RFC5961-4.2-1"] "A SYN in the window resets the connection.";
    SynRestartsConnection "syn-restarts-connection" ["RFC5961-4.2-2"] "A SYN in the window is taken over: RCV.NXT moves to it.";
    SynTextTaken "syn-text-taken" ["RFC5961-4.2-2"] "A SYN in the window is challenged, and its text is taken all the same.";
    SynIgnoredInSynReceived "syn-ignored-in-syn-received" ["RFC9293-SEG-SYNRCVD-SYN-INWIN"] "A SYN in the window in SYN-RECEIVED does not lead back to LISTEN.";
    MissingAckTaken "missing-ack-taken" ["RFC9293-SEG-ESTABLISHED-NOACK"] "A segment without ACK is processed all the same.";
    MissingAckAnswered "missing-ack-answered" ["RFC9293-SEG-ESTABLISHED-NOACK"] "A segment without ACK is answered.";
    AckFieldReadWithoutFlag "ack-field-read-without-flag" ["RFC9293-SEG-ESTABLISHED-NOACK"] "The ACK field of a segment without ACK is believed.";
    AckOfUnsentSilent "ack-of-unsent-silent" ["RFC9293-SEG-ESTABLISHED-ACKUNSENT"] "An ACK of what was never sent is dropped without an answer.";
    AckOfUnsentReset "ack-of-unsent-reset" ["RFC9293-SEG-ESTABLISHED-ACKUNSENT", "RFC9293-RSTGEN-SYNC-UNACC"] "An ACK of what was never sent draws a reset.";
    AckOfUnsentKeepsText "ack-of-unsent-keeps-text" ["RFC9293-SEG-ESTABLISHED-ACKUNSENT"] "The text of a segment that acknowledges what was never sent is taken.";
    AckOfUnsentTaken "ack-of-unsent-taken" ["RFC9293-SEG-ESTABLISHED-ACKUNSENT"] "An ACK of what was never sent is taken as one of everything.";
    OldAckTakenAsNew "old-ack-taken-as-new" ["RFC9293-SEG-ESTABLISHED-OLDACK"] "A duplicate ACK is taken as one of everything.";
    BareAckAnswered "bare-ack-answered" ["RFC9293-SEG-ESTABLISHED-OLDACK"] "An ACK without text is answered by an ACK.";
    AckOneTooLow "ack-one-too-low" ["RFC9293-3.4-ACK-CUM", "RFC9293-SEG-ESTABLISHED-ACK-GOOD"] "An ACK is believed to one number below what it says.";
    AckOneTooHigh "ack-one-too-high" ["RFC9293-3.4-ACK-CUM", "RFC9293-3.4-ACKEDFULL"] "An ACK is believed to one number above what it says.";
    PartialAckIgnored "partial-ack-ignored" ["RFC9293-3.4-ACK-CUM", "RFC9293-SEG-FINWAIT1-ACK-PARTIAL"] "An ACK of part of what is outstanding is ignored.";
    AckComparedWithoutWrap "ack-compared-without-wrap" ["RFC9293-3.4-WRAP"] "ACKs are compared as if numbers did not wrap.";
    FarOldAckSilent "far-old-ack-silent" ["RFC5961-5.2-3"] "An ACK far below what is outstanding is dropped without an answer.";
    FarOldAckReset "far-old-ack-reset" ["RFC9293-SEG-ESTABLISHED-OLDACK-FAR", "RFC9293-SEG-CLOSEWAIT-OLDACK-FAR"] "An ACK far below what is outstanding draws a reset.";
    NearOldAckRefused "near-old-ack-refused" ["RFC5961-5.2-2"] "Every ACK below SND.UNA is taken for an attack.";
    FarOldAckSparesFin "far-old-ack-spares-fin" ["RFC5961-5.2-5"] "A segment with FIN is not checked for an ACK far below what is outstanding.";
    AckRangeOfLastWindow "ack-range-of-last-window" ["RFC5961-5.2-4"] "How old an ACK may be is measured by the window offered last, not by the largest.";
    SynReceivedBadAckSilent "syn-received-bad-ack-silent" ["RFC9293-SEG-SYNRCVD-ACKUNSENT", "RFC9293-SEG-SYNRCVD-OLDACK"] "In SYN-RECEIVED a wrong ACK is dropped without an answer.";
    SynReceivedBadAckAcked "syn-received-bad-ack-acked" ["RFC9293-SEG-SYNRCVD-ACKUNSENT"] "In SYN-RECEIVED a wrong ACK draws an ACK instead of a reset.";
    SynReceivedBadAckCloses "syn-received-bad-ack-closes" ["RFC9293-SEG-SYNRCVD-ACKUNSENT", "RFC9293-SEG-SYNRCVD-OLDACK"] "In SYN-RECEIVED a wrong ACK ends the connection.";
    SynReceivedAnyAckEstablishes "syn-received-any-ack-establishes" ["RFC9293-SEG-SYNRCVD-ACKUNSENT", "RFC9293-SEG-SYNRCVD-OLDACK"] "In SYN-RECEIVED any ACK establishes the connection.";
    WindowFromOldSegments "window-from-old-segments" ["RFC9293-SEG-ESTABLISHED-WND-OLDSEQ", "RFC9293-SEG-ESTABLISHED-WND-OLDACK"] "The window is taken from reordered segments too.";
    WindowIgnoredOnDuplicates "window-ignored-on-duplicates" ["RFC9293-SEG-ESTABLISHED-WND-DUPACK"] "A window update that acknowledges nothing new is ignored.";
    WindowFrozen "window-frozen" ["RFC9293-SEG-ESTABLISHED-WND-NEWSEQ"] "The send window stays what the handshake said.";
    WindowNeverShrinks "window-never-shrinks" ["RFC9293-3.8.6-RWND"] "A smaller window is ignored.";
    WindowOnFinIgnored "window-on-fin-ignored" ["RFC9293-SEG-ESTABLISHED-WND-NEWSEQ"] "The window that comes with a FIN is not taken.";
    FinWait1LeftByAnyAck "fin-wait1-left-by-any-ack" ["RFC9293-SEG-FINWAIT1-ACK-PARTIAL"] "FIN-WAIT-1 is left by an ACK that does not cover the FIN.";
    ClosingLeftByAnyAck "closing-left-by-any-ack" ["RFC9293-SEG-CLOSING-OLDACK"] "CLOSING is left by an ACK that does not cover the FIN.";
    ClosingSkipsTimeWait "closing-skips-time-wait" ["RFC9293-SEG-CLOSING-ACK-OF-FIN"] "CLOSING leads to CLOSED.";
    LastAckLeftByAnyAck "last-ack-left-by-any-ack" ["RFC9293-SEG-LASTACK-OLDACK"] "LAST-ACK is left by an ACK that does not cover the FIN.";
    LastAckEntersTimeWait "last-ack-enters-time-wait" ["RFC9293-SEG-LASTACK-ACK-OF-FIN"] "LAST-ACK leads to TIME-WAIT.";
    FinWait1NeverLeft "fin-wait1-never-left" ["RFC9293-SEG-FINWAIT1-ACK-OF-FIN"] "The ACK of the FIN does not lead out of FIN-WAIT-1.";
    LastAckNeverLeft "last-ack-never-left" ["RFC9293-SEG-LASTACK-ACK-OF-FIN"] "The ACK of the FIN does not end LAST-ACK.";
    ClosingNeverLeft "closing-never-left" ["RFC9293-SEG-CLOSING-ACK-OF-FIN"] "The ACK of the FIN does not lead out of CLOSING.";
    PeersSynNotCounted "peers-syn-not-counted" ["RFC9293-3.4-SYNFIN-SEQ", "RFC9293-SEG-LISTEN-SYN"] "The peer's SYN takes no number: its own is acknowledged, and not the next.";
    OwnFinNotCounted "own-fin-not-counted" ["RFC9293-3.4-SYNFIN-SEQ"] "Our FIN counts as acknowledged by an ACK of the data before it.";
    DataAfterFinTaken "data-after-fin-taken" ["RFC9293-SEG-CLOSEWAIT-DATA"] "Text after the peer's FIN is taken.";
    HalfCloseClosesBoth "half-close-closes-both" ["RFC9293-3.6-SIMPLEX", "RFC9293-SEG-FINWAIT2-DATA"] "After our CLOSE the peer's text is dropped.";
    DeliversAboveGap "delivers-above-gap" ["RFC9293-SEG-ANY-INORDER"] "Text above a gap is delivered as if it were in order.";
    GapNotAcked "gap-not-acked" ["RFC5681-3.2-1", "RFC2018-4-4"] "Text above a gap draws no ACK.";
    GapAckDelayed "gap-ack-delayed" ["RFC5681-3.2-1"] "The ACK for text above a gap is delayed.";
    DropsAboveGap "drops-above-gap" ["RFC9293-SHLD-31", "RFC2525-2.5"] "Text above a gap is thrown away.";
    ContainedSegmentCutsHeldIsland "contained-segment-cuts-held-island" ["RFC9293-3.10-OVERLAP", "RFC9293-SHLD-31"] "A segment that lies within what is held above a gap cuts off what is held behind it.";
    GapFillAckDelayed "gap-fill-ack-delayed" ["RFC5681-3.2-2"] "The ACK for text that fills a gap is delayed.";
    DataNotAcked "data-not-acked" ["RFC9293-SEG-ESTABLISHED-DATA"] "Text is not acknowledged until something else is.";
    AckSentTwice "ack-sent-twice" ["RFC5681-4.2-3"] "Each ACK is sent twice.";
    StretchAcks "stretch-acks" ["RFC9293-SHLD-19", "RFC2525-2.13"] "Full segments are acknowledged by the timer only.";
    AckDelayedTooLong "ack-delayed-too-long" ["RFC9293-MUST-40"] "ACKs are delayed for a second.";
    LastOctetNotCounted "last-octet-not-counted" ["RFC9293-SEG-ESTABLISHED-DATA"] "RCV.NXT stays one number behind what was taken.";
    AckOnePastRcvNxt "ack-one-past-rcv-nxt" ["RFC9293-SEG-ESTABLISHED-DATA"] "What is acknowledged is one number more than what came.";
    UrgentOctetLost "urgent-octet-lost" ["RFC9293-SEG-ESTABLISHED-URG", "RFC6093-3.1-1"] "The last urgent octet is taken out of the stream.";
    UrgentResets "urgent-resets" ["RFC9293-MUST-30", "RFC9293-3.8.5-BADUP"] "A segment with URG ends the connection.";
    UrgentDropped "urgent-dropped" ["RFC9293-SEG-ESTABLISHED-URG", "RFC9293-MUST-30"] "A segment with URG is dropped.";
    DataWithoutPushHeld "data-without-push-held" ["RFC9293-SEG-ESTABLISHED-DATA-NOPSH"] "Text reaches the user with the next PSH only.";
    DataAfterCloseSilent "data-after-close-silent" ["RFC2525-2.16"] "Data after a CLOSE that gave up reading is thrown away and acknowledged.";
    FinNotAcked "fin-not-acked" ["RFC9293-SEG-ESTABLISHED-FIN"] "A FIN draws no ACK.";
    FinAckDelayed "fin-ack-delayed" ["RFC9293-SEG-ESTABLISHED-FIN"] "The ACK of a FIN is delayed.";
    PeersFinNotCounted "peers-fin-not-counted" ["RFC9293-3.4-SYNFIN-SEQ"] "RCV.NXT does not move over the peer's FIN.";
    FinTakenAboveGap "fin-taken-above-gap" ["RFC9293-SEG-ESTABLISHED-OOO-FIN"] "A FIN above a gap ends the stream at once.";
    FinDroppedAboveGap "fin-dropped-above-gap" ["RFC9293-SHLD-31"] "A FIN above a gap is forgotten.";
    TextWithFinLost "text-with-fin-lost" ["RFC9293-SEG-ESTABLISHED-FIN-DATA"] "The text of a segment with FIN is not delivered.";
    CrossingFinEntersTimeWait "crossing-fin-enters-time-wait" ["RFC9293-SEG-FINWAIT1-FIN", "RFC9293-FIG13-SIMCLOSE"] "In FIN-WAIT-1 any FIN leads to TIME-WAIT.";
    TimeWaitSkipped "time-wait-skipped" ["RFC9293-MUST-13", "RFC9293-SEG-FINWAIT2-FIN"] "FIN-WAIT-2 leads to CLOSED.";
    FinAnsweredByFin "fin-answered-by-fin" ["RFC9293-3.6-NOFIN-AUTO"] "The peer's FIN is answered by ours, whatever the user wants.";
    EndNotTold "end-not-told" ["RFC9293-SEG-ESTABLISHED-FIN"] "The user is not told of the peer's FIN.";
    SecondFinCounted "second-fin-counted" ["RFC9293-SEG-CLOSEWAIT-FIN-NEW"] "A second FIN at a new number moves the state.";
    TimeWaitEndless "time-wait-endless" ["RFC9293-TMO-TIMEWAIT"] "TIME-WAIT never ends.";
    TimeWaitShort "time-wait-short" ["RFC9293-MUST-13"] "TIME-WAIT lasts a second.";
    TimeWaitNotRestarted "time-wait-not-restarted" ["RFC9293-SEG-TIMEWAIT-FIN"] "A FIN that comes again does not restart 2MSL.";
    TimeWaitRestartedByAnything "time-wait-restarted-by-anything" ["RFC9293-SEG-TIMEWAIT-FIN"] "Any unacceptable segment restarts 2MSL.";
    TimeWaitTakesAnySyn "time-wait-takes-any-syn" ["RFC6191-2-6", "RFC6191-2-7"] "Any SYN opens a connection out of TIME-WAIT.";
    TimeWaitTakesNoSyn "time-wait-takes-no-syn" ["RFC6191-2-6", "RFC9293-SHLD-4"] "No SYN is taken, nor answered, in TIME-WAIT.";
    ReopenedWithOldNumbers "reopened-with-old-numbers" ["RFC9293-3.6.1-TW-ISS"] "A connection opened out of TIME-WAIT uses the numbers of the old one.";
    OldSynEndsTimeWait "old-syn-ends-time-wait" ["RFC9293-3.6.1-TW-DUPSYN"] "When the SYN that reopened a connection proves to be old, the connection does not return to TIME-WAIT.";
    ReopensBeforeTimeWait "reopens-before-time-wait" ["RFC6191-2-8"] "A newer SYN opens a new connection while the old one is still closing.";
    ListenerAnswersRst "listener-answers-rst" ["RFC9293-SEG-LISTEN-RST", "RFC9293-RSTGEN-NORST4RST"] "A listener answers a reset by a reset.";
    ListenerClosedByRst "listener-closed-by-rst" ["RFC9293-SEG-LISTEN-RST"] "A reset closes the listener.";
    ListenerIgnoresAcks "listener-ignores-acks" ["RFC9293-SEG-LISTEN-ACK"] "A listener drops ACKs without an answer.";
    ListenerIgnoresSynAcks "listener-ignores-syn-acks" ["RFC9293-SEG-LISTEN-SYNACK", "RFC9293-FIG11-TWOLISTEN"] "A listener drops SYN,ACKs without an answer.";
    ListenerTakesSynAck "listener-takes-syn-ack" ["RFC9293-SEG-LISTEN-SYNACK"] "A listener takes a SYN,ACK for a SYN.";
    ListenerResetsNonsense "listener-resets-nonsense" ["RFC9293-SEG-LISTEN-FIN", "RFC9293-SEG-LISTEN-NOFLAGS"] "A listener answers segments without SYN, ACK and RST by a reset.";
    ListenerServesOnce "listener-serves-once" ["RFC9293-SEG-LISTEN-SYN"] "A listener is gone after one connection.";
    SynDataDeliveredEarly "syn-data-delivered-early" ["RFC9293-3.5-SYNDATA-HOLD"] "Text on a SYN reaches the user before the handshake has ended.";
    SynDataLost "syn-data-lost" ["RFC9293-SEG-LISTEN-SYN-DATA"] "Text on a SYN is acknowledged and thrown away.";
    SynFinHalfKept "syn-fin-half-kept" ["RFC9293-SEG-LISTEN-SYN-FIN"] "A SYN with FIN that is dropped leaves a half-open connection behind.";
    SynWithUrgDropped "syn-with-urg-dropped" ["RFC9293-SEG-LISTEN-SYN-URG"] "A SYN with URG is dropped.";
    SynWithEcnDropped "syn-with-ecn-dropped" ["RFC9293-SEG-LISTEN-SYN-ECN"] "A SYN with ECE is dropped.";
    CookieFromAnyone "cookie-from-anyone" ["RFC4987-3.6-2"] "Where cookies are in use any ACK establishes a connection.";
    CookieForEver "cookie-for-ever" ["RFC4987-3.6-3"] "A cookie is good for half an hour.";
    CookieWithoutPort "cookie-without-port" ["RFC4987-3.6-2"] "A cookie that one port was sent is good for every other of the same host.";
    CookieMssForgotten "cookie-mss-forgotten" ["RFC4987-3.6-4"] "With a cookie the peer's MSS is forgotten.";
    CookieOptionsMisread "cookie-options-misread" ["RFC4987-3.6-5"] "With a cookie timestamps are used that the SYN,ACK did not offer.";
    FastOpenTakesAnyCookie "fast-open-takes-any-cookie" ["RFC7413-4.2.2-3"] "Any fast open cookie lets data in.";
    FastOpenUnasked "fast-open-unasked" ["RFC7413-2-1"] "Fast open is done whether the application asked for it or not.";
    FastOpenOddLengthTaken "fast-open-odd-length-taken" ["RFC7413-4.1.1-2"] "A fast open option of a length that cannot be is answered.";
    FastOpenCookieForAll "fast-open-cookie-for-all" ["RFC7413-4.1.2-1"] "The fast open cookie of one host is good for all.";
    FastOpenCookieRepeated "fast-open-cookie-repeated" ["RFC7413-4.2.2-6", "RFC7413-4.2.1-2"] "A SYN,ACK that is sent again bears the fast open cookie again.";
    FastOpenUnlimited "fast-open-unlimited" ["RFC7413-4.2-2"] "Any number of fast opens may be pending.";
    FastOpenCookieNotKept "fast-open-cookie-not-kept" ["RFC7413-4.1.3-1"] "The cookie of a server is not kept for the next connection.";
    FastOpenTextUnproven "fast-open-text-unproven" ["RFC7413-4.2.1-1"] "The SYN that asks for a fast open cookie takes text along.";
    FastOpenTextAgain "fast-open-text-again" ["RFC7413-4.2.2-1"] "A SYN that is sent again still has the fast open's cookie and text.";
    FastOpenTextWaits "fast-open-text-waits" ["RFC7413-4.2.2-7"] "Text that went out on a SYN and was not taken waits for the retransmission timer.";
    FastOpenTextTooLong "fast-open-text-too-long" ["RFC7413-4.1.3-3"] "A SYN takes a full segment along to a server that never told its MSS.";
    FastOpenRefusalForgotten "fast-open-refusal-forgotten" ["RFC7413-4.1.3.1-1", "RFC7413-4.1.3.1-2"] "A server that took no text on its SYN gets some on the next.";
    SynSentRefusesPartialAck "syn-sent-refuses-partial-ack" ["RFC7413-4.2.2-8", "RFC9293-SEG-SYNSENT-SYNACK-PARTIAL"] "A SYN,ACK that acknowledges part of the text on a SYN is refused.";
    FastOpenCrossingRefused "fast-open-crossing-refused" ["RFC7413-4.2.2-9"] "A SYN that crosses one with text is ignored.";
    PortsInSequence "ports-in-sequence" ["RFC6056-3.3-1", "RFC5927-4.2-1"] "Each connection that is opened takes the port after that of the last one.";
    DynamicPortsOnly "dynamic-ports-only" ["RFC6056-3.2-1"] "Ports are taken from the last quarter only, the one that is called dynamic.";
    ConstantIsn "constant-isn" ["RFC9293-MUST-8", "RFC6528-3-1"] "Every connection begins with the same number.";
    IsnFromClockOnly "isn-from-clock-only" ["RFC9293-SHLD-1", "RFC9293-MUST-9"] "ISNs come from the clock alone: anybody can guess them.";
    IsnWithoutClock "isn-without-clock" ["RFC9293-MUST-8"] "ISNs have no clock: a new incarnation begins where the old one did.";
    RstForRst "rst-for-rst" ["RFC9293-SEG-CLOSED-RST", "RFC9293-RSTGEN-NORST4RST"] "A reset for no connection is answered by a reset.";
    ClosedPortSilent "closed-port-silent" ["RFC9293-SEG-CLOSED-SYN", "RFC9293-SEG-CLOSED-ACK"] "A closed port answers nothing.";
    ClosedPortIgnoresAcks "closed-port-ignores-acks" ["RFC9293-SEG-CLOSED-ACK"] "A closed port answers SYNs only.";
    ClosedPortIgnoresFin "closed-port-ignores-fin" ["RFC9293-SEG-CLOSED-FIN"] "A closed port does not answer FINs.";
    ClosedPortIgnoresNoFlags "closed-port-ignores-no-flags" ["RFC9293-SEG-CLOSED-NOACK"] "A closed port does not answer segments without ACK and SYN.";
    RstSeqZero "rst-seq-zero" ["RFC9293-RSTGEN-FORMAT-ACK"] "A reset for a segment with ACK has number 0.";
    RstSeqOneTooHigh "rst-seq-one-too-high" ["RFC9293-RSTGEN-FORMAT-ACK"] "A reset for a segment with ACK has a number one too high.";
    RstAlwaysAcks "rst-always-acks" ["RFC9293-RSTGEN-FORMAT-ACK"] "A reset for a segment with ACK carries ACK itself.";
    RstAckIgnoresSyn "rst-ack-ignores-syn" ["RFC9293-SEG-CLOSED-SYN", "RFC9293-RSTGEN-FORMAT-NOACK"] "A reset for a SYN does not count the SYN.";
    RstAckIgnoresFin "rst-ack-ignores-fin" ["RFC9293-SEG-CLOSED-FIN"] "A reset for a FIN does not count the FIN.";
    RstAckIgnoresText "rst-ack-ignores-text" ["RFC9293-SEG-CLOSED-SYN-DATA"] "A reset for a segment without ACK does not count its text.";
    RstLacksAck "rst-lacks-ack" ["RFC9293-RSTGEN-FORMAT-NOACK"] "A reset for a segment without ACK has no ACK flag.";
    RstSeqCopied "rst-seq-copied" ["RFC9293-RSTGEN-FORMAT-NOACK"] "A reset for a segment without ACK has that segment's number.";
    SynSentBadAckSilent "syn-sent-bad-ack-silent" ["RFC9293-SEG-SYNSENT-ACKUNSENT", "RFC9293-SEG-SYNSENT-OLDACK"] "In SYN-SENT a wrong ACK is dropped without an answer.";
    SynSentTakesAnyAck "syn-sent-takes-any-ack" ["RFC9293-SEG-SYNSENT-ACKUNSENT", "RFC9293-SEG-SYNSENT-OLDACK"] "In SYN-SENT a SYN,ACK is taken whatever it acknowledges.";
    SynSentTakesAckOfIss "syn-sent-takes-ack-of-iss" ["RFC9293-SEG-SYNSENT-OLDACK"] "In SYN-SENT an ACK of ISS, one too low, is taken.";
    SynSentBadAckCloses "syn-sent-bad-ack-closes" ["RFC9293-SEG-SYNSENT-ACKUNSENT", "RFC9293-FIG8-ACTIVE"] "In SYN-SENT a wrong ACK ends the attempt.";
    SynSentResetsResets "syn-sent-resets-resets" ["RFC9293-SEG-SYNSENT-BADACK-RST", "RFC9293-RSTGEN-NORST4RST"] "In SYN-SENT a reset with a wrong ACK is answered by a reset.";
    SynSentObeysAnyRst "syn-sent-obeys-any-rst" ["RFC9293-SEG-SYNSENT-RST-NOACK", "RFC5961-3.2-6"] "In SYN-SENT a reset without ACK ends the attempt.";
    SynSentIgnoresRst "syn-sent-ignores-rst" ["RFC9293-SEG-SYNSENT-RST-ACKOK"] "In SYN-SENT resets are ignored: a refused connection waits until it times out.";
    CrossingSynIgnored "crossing-syn-ignored" ["RFC9293-SEG-SYNSENT-SYN", "RFC9293-MUST-10"] "In SYN-SENT a SYN without ACK is ignored.";
    SynSentAckEstablishes "syn-sent-ack-establishes" ["RFC9293-SEG-SYNSENT-ACK-NOSYN"] "In SYN-SENT an ACK without SYN establishes the connection.";
    SynSentAnswersNonsense "syn-sent-answers-nonsense" ["RFC9293-SEG-SYNSENT-NOACK", "RFC9293-SEG-SYNSENT-FIN"] "In SYN-SENT segments without SYN are answered by a reset.";
    CrossingSynNewIss "crossing-syn-new-iss" ["RFC9293-FIG7-SIMOPEN"] "The SYN,ACK of a simultaneous open has a number of its own.";
    CrossingSynOnlyAcked "crossing-syn-only-acked" ["RFC9293-SEG-SYNSENT-SYN"] "A crossing SYN is answered by an ACK without SYN.";
    SynAckNotAcked "syn-ack-not-acked" ["RFC9293-SEG-SYNSENT-SYNACK"] "A SYN,ACK is not acknowledged until there is data.";
    SynAckTextLost "syn-ack-text-lost" ["RFC9293-SEG-SYNSENT-SYNACK-DATA"] "Text on a SYN,ACK is acknowledged, and lost.";
    AbortSilent "abort-silent" ["RFC9293-CALL-ABORT-ESTABLISHED", "RFC9293-3.9.1.6-ABORT-RST"] "ABORT tells the peer nothing.";
    AbortSilentInCloseWait "abort-silent-in-close-wait" ["RFC9293-CALL-ABORT-CLOSEWAIT"] "ABORT in CLOSE-WAIT tells the peer nothing.";
    AbortSilentInFinWait "abort-silent-in-fin-wait" ["RFC9293-CALL-ABORT-FINWAIT1", "RFC9293-CALL-ABORT-FINWAIT2"] "ABORT in FIN-WAIT-1 and FIN-WAIT-2 tells the peer nothing.";
    AbortSendsFin "abort-sends-fin" ["RFC9293-CALL-ABORT-ESTABLISHED"] "ABORT closes in an orderly way.";
    AbortAlwaysResets "abort-always-resets" ["RFC9293-CALL-ABORT-SYNSENT", "RFC9293-CALL-ABORT-TIMEWAIT"] "ABORT resets in states where there is nothing to reset.";
    AbortWrongNumber "abort-wrong-number" ["RFC9293-CALL-ABORT-ESTABLISHED"] "ABORT's reset has a number one too high.";
    CloseLosesQueue "close-loses-queue" ["RFC9293-3.6-FLUSH"] "CLOSE throws away what has not been sent.";
    CloseResets "close-resets" ["RFC9293-CALL-CLOSE-ESTABLISHED"] "CLOSE resets the connection.";
    CloseTwiceSendsTwice "close-twice-sends-twice" ["RFC9293-CALL-CLOSE-FINWAIT1"] "A second CLOSE sends a second FIN, under the next number.";
    CloseInSynSentResets "close-in-syn-sent-resets" ["RFC9293-CALL-CLOSE-SYNSENT"] "CLOSE in SYN-SENT sends a reset.";
    SendAfterCloseTaken "send-after-close-taken" ["RFC9293-CALL-SEND-FINWAIT1"] "SEND after CLOSE is taken, and its data is lost.";
    SendWhileOpeningLost "send-while-opening-lost" ["RFC9293-CALL-SEND-SYNSENT", "RFC9293-CALL-SEND-SYNRCVD"] "What is sent before the connection is established is lost.";
    SendWhileOpeningRefused "send-while-opening-refused" ["RFC9293-CALL-SEND-SYNSENT"] "SEND before the connection is established is an error.";
    EndBeforeData "end-before-data" ["RFC9293-CALL-RECEIVE-CLOSEWAIT"] "The end of the stream is told before the data that came ahead of it has been read.";
    ReceiveReturnsEarly "receive-returns-early" ["RFC9293-CALL-RECEIVE-ESTABLISHED"] "RECEIVE returns with less than it was asked for.";
    CloseUnreadByFin "close-unread-by-fin" ["RFC9293-SHLD-3", "RFC2525-2.17"] "CLOSE with unread data is orderly: the peer thinks all was read.";
    ListenerCloseKeepsPort "listener-close-keeps-port" ["RFC9293-CALL-CLOSE-LISTEN"] "A listener that was closed goes on answering.";
    NagleMissing "nagle-missing" ["RFC9293-SHLD-7", "RFC9293-3.7.4-NAGLE-RULE"] "Small segments are sent while others are outstanding.";
    NagleStuck "nagle-stuck" ["RFC9293-MUST-17"] "Nagle's algorithm cannot be switched off.";
    SendsCrumbs "sends-crumbs" ["RFC9293-MUST-38"] "Data is sent as soon as the window has room for any, however little that is.";
    MssIgnored "mss-ignored" ["RFC9293-MUST-14", "RFC9293-MUST-16"] "Segments are as large as the link takes, whatever the peer announced.";
    OptionsNotDeducted "options-not-deducted" ["RFC9293-3.7.1-OPT-REDUCE", "RFC2525-2.18"] "Options are not deducted from the size of a segment.";
    DefaultMssTooLarge "default-mss-too-large" ["RFC9293-MUST-15"] "Without an MSS option 1460 octets are assumed.";
    MssOnEverySegment "mss-on-every-segment" ["RFC9293-MUST-65"] "The MSS option stands on every segment.";
    NoTimestampsOnAcks "no-timestamps-on-acks" ["RFC7323-3.2-5"] "Segments without data carry no timestamps.";
    NoMssOnSyn "no-mss-on-syn" ["RFC9293-MUST-14"] "No MSS is announced.";
    AnnouncedMssTooLarge "announced-mss-too-large" ["RFC9293-MUST-67"] "The MSS announced is the MTU, headers and all.";
    MssLessOptions "mss-less-options" ["RFC6691-2-2"] "The MSS that is announced leaves room for the options that were agreed upon.";
    WindowIgnored "window-ignored" ["RFC9293-3.8.6-RWND"] "New data is sent beyond the offered window.";
    WindowOverrunByOne "window-overrun-by-one" ["RFC9293-3.8.6-RWND"] "One octet is sent beyond the offered window.";
    LargestWindowUsed "largest-window-used" ["RFC7323-2.4-3"] "New data is sent by the largest window ever offered.";
    WindowReadSigned "window-read-signed" ["RFC9293-MUST-1"] "Windows of 32768 and more are read as closed.";
    ScaleAppliedToSyn "scale-applied-to-syn" ["RFC7323-2.2-6"] "The window of the peer's SYN,ACK is scaled.";
    PeersScaleIgnored "peers-scale-ignored" ["RFC7323-2.3-2"] "The peer's windows are not scaled.";
    ScaleNotLimited "scale-not-limited" ["RFC7323-2.3-4"] "A shift above 14 is used as it stands.";
    OwnScaleForgotten "own-scale-forgotten" ["RFC7323-2.3-3"] "Our windows are told unscaled although a scale was announced.";
    OwnSynScaled "own-syn-scaled" ["RFC7323-2.2-6"] "The window of our SYN,ACK is scaled.";
    ScaleUnasked "scale-unasked" ["RFC7323-2.2-4"] "A SYN,ACK has the window scale option although the SYN had none.";
    ScaleOnlyWhenNeeded "scale-only-when-needed" ["RFC7323-2.2-2", "RFC7323-2.3-1"] "Window scaling is not answered where the own buffer needs none.";
    ScaleAnnouncedTooLarge "scale-announced-too-large" ["RFC7323-2.3-6"] "For a large buffer a shift above 14 is announced.";
    TimestampsUnasked "timestamps-unasked" ["RFC7323-3.2-4"] "A SYN,ACK has timestamps although the SYN had none.";
    SackUnasked "sack-unasked" ["RFC2018-2-2"] "A SYN,ACK permits SACK although the SYN did not.";
    UrgentPointerOneTooLow "urgent-pointer-one-too-low" ["RFC9293-MUST-62"] "The urgent pointer names the last urgent octet, not the one after it.";
    PushNeverSet "push-never-set" ["RFC9293-MUST-61"] "PSH is never set, not even on the last of what is queued.";
    UrgentNotMarked "urgent-not-marked" ["RFC9293-CALL-SEND-ESTABLISHED-URG"] "Urgent data is sent without URG.";
    FinBeforeData "fin-before-data" ["RFC9293-3.6-FLUSH", "RFC9293-3.4-SYNFIN-SEQ"] "The FIN does not wait for what is queued: the rest is lost.";
    FinHeldByNagle "fin-held-by-nagle" ["RFC2525-2.15"] "A FIN waits until what is outstanding has been acknowledged.";
    OtherOctetsAgain "other-octets-again" ["RFC9293-3.8-CONTENT", "RFC2525-2.4"] "What is sent again is not what was sent.";
    WrongChecksum "wrong-checksum" ["RFC9293-MUST-2"] "Segments with an odd number of octets have a wrong checksum.";
    ReservedBitsSet "reserved-bits-set" ["RFC9293-3.1-RESERVED-TX"] "A reserved bit of every segment is set.";
    RightEdgeRetreats "right-edge-retreats" ["RFC9293-SHLD-14"] "The announced window is the free part of the buffer, even if the right edge moves back.";
    RightEdgeOfLastWindow "right-edge-of-last-window" ["RFC7323-2.4-1", "RFC7323-2.4-2"] "Once a window has been announced, rounded down by the scale, no more than that is accepted.";
    WindowStaysShut "window-stays-shut" ["RFC9293-3.8.6.1-UPDATE"] "The peer is not told that a closed window has opened.";
    OffersCrumbs "offers-crumbs" ["RFC9293-MUST-39"] "The window is opened for every octet that is read, however little that is.";
    TimestampEchoZero "timestamp-echo-zero" ["RFC7323-3.2-2"] "TSecr is always zero.";
    TimestampClockStands "timestamp-clock-stands" ["RFC7323-4.1-1"] "The timestamp clock does not run.";
    TimestampClockTooFast "timestamp-clock-too-fast" ["RFC7323-5.4-2"] "The timestamp clock goes round within a minute.";
    TimestampOffsetMissing "timestamp-offset-missing" ["RFC7323-5.4-3"] "All connections show the same timestamp clock.";
    SynEchoesSomething "syn-echoes-something" ["RFC7323-3.2-1"] "The timestamp echo of a SYN without ACK is not zero.";
    ResetWithoutTimestamps "reset-without-timestamps" ["RFC7323-3.2-6", "RFC7323-5.2-4"] "ABORT sends its reset without the timestamps agreed upon.";
    StrayResetWithoutTimestamps "stray-reset-without-timestamps" ["RFC7323-5.2-2", "RFC7323-5.2-3"] "The reset for a segment of no connection carries no timestamps.";
    SackUnpermitted "sack-unpermitted" ["RFC2018-4-1"] "SACK blocks are sent to a peer that did not permit them.";
    SackNeverSent "sack-never-sent" ["RFC2018-4-3"] "SACK is agreed upon and never sent.";
    SackOldestFirst "sack-oldest-first" ["RFC2018-4-5"] "The first SACK block is the oldest, not the latest.";
    SackEdgeOneTooLow "sack-edge-one-too-low" ["RFC2018-3-1"] "The right edge of a SACK block is the last octet, not the one after it.";
    SackNotOnData "sack-not-on-data" ["RFC2018-4-3"] "Segments with data report nothing.";
    DuplicateReportedTwice "duplicate-reported-twice" ["RFC2883-4-2"] "A duplicate is reported on every ACK from then on.";
    DuplicateEdgesWrong "duplicate-edges-wrong" ["RFC2883-4-3", "RFC2883-4.2-1"] "The edges of a duplicate are wrong: one octet too early, and with what was new in the segment.";
    DuplicateInIslandUnreported "duplicate-in-island-unreported" ["RFC2883-4-4"] "Duplicates above a gap are not reported.";
    DuplicateReportBelieved "duplicate-report-believed" ["RFC2883-5-2"] "A D-SACK from the peer counts as a duplicate ACK.";
    EcnEchoMissing "ecn-echo-missing" ["RFC3168-6.1.3-1"] "Marks on data are not echoed.";
    EcnEchoEndless "ecn-echo-endless" ["RFC3168-6.1.3-1"] "CWR does not end the echo.";
    EcnEchoOnce "ecn-echo-once" ["RFC3168-6.1.3-1"] "A mark is echoed once only.";
    EcnIgnoredBySender "ecn-ignored-by-sender" ["RFC3168-6.1.2-1"] "The peer's echo of a mark is ignored.";
    CwrNeverSent "cwr-never-sent" ["RFC3168-6.1.2-4"] "CWR is never sent.";
    EcnMarkedAcks "ecn-marked-acks" ["RFC3168-6.1.4-1"] "ACKs without data are ECN-capable.";
    EcnWithoutAgreement "ecn-without-agreement" ["RFC3168-6.1.1-4"] "Data is ECN-capable whether that was agreed upon or not.";
    EcnAgreedToAnything "ecn-agreed-to-anything" ["RFC3168-6.1.1-2"] "Every SYN is answered as if it had asked for ECN.";
    EcnAfterPlainSyn "ecn-after-plain-syn" ["RFC3168-6.1.1-5"] "Data is ECN-capable although a SYN without ECN followed the first.";
    EcnFlagsReflected "ecn-flags-reflected" ["RFC3168-6.1.1-8"] "A SYN,ACK has the ECN flags that the SYN had, whatever is meant by them.";
    Ect1Used "ect1-used" ["RFC3168-5-1", "RFC8311-4.2-1", "RFC8311-4.2-2"] "Data carries ECT(1).";
    NonceSumSet "nonce-sum-set" ["RFC3540-1-1", "RFC8311-3-1"] "The bit that was the nonce sum is set on data of ECN connections.";
    EcnMarkOnOldData "ecn-mark-on-old-data" ["RFC3168-6.1.5-2"] "A mark on a segment outside the window is echoed.";
    EcnMarkOnProbeIgnored "ecn-mark-on-probe-ignored" ["RFC3168-6.1.6-2"] "A mark on a probe of a closed window is not echoed.";
    CwrOverMark "cwr-over-mark" ["RFC3168-6.1.3-3"] "CWR ends the echo even where the segment that carries it is marked.";
    EcnEchoOfLast "ecn-echo-of-last" ["RFC3168-6.1.3-2", "RFC3168-6.1.3-1"] "What is echoed is whether the latest segment was marked.";
    CwrOnRetransmission "cwr-on-retransmission" ["RFC3168-6.1.2-5"] "CWR stands on retransmissions.";
    EcnMarkedProbes "ecn-marked-probes" ["RFC3168-6.1.6-1"] "Window probes are ECN-capable.";
    EcnAskedUnasked "ecn-asked-unasked" ["RFC3168-6.1.1-8"] "A SYN asks for ECN although the host does not speak it.";
    FinNotRetransmitted "fin-not-retransmitted" ["RFC9293-3.6-FIN-RETX"] "A FIN is sent once.";
    FinNotRetransmittedInClosing "fin-not-retransmitted-in-closing" ["RFC9293-3.6-FIN-RETX"] "In CLOSING the FIN is not sent again.";
    FinNotRetransmittedInLastAck "fin-not-retransmitted-in-last-ack" ["RFC9293-3.6-FIN-RETX"] "In LAST-ACK the FIN is not sent again.";
    FinGivenUpNever "fin-given-up-never" ["RFC9293-MUST-20"] "A FIN is sent again however often it has stayed unanswered.";
    SynNotRetransmitted "syn-not-retransmitted" ["RFC9293-MUST-22", "RFC9293-TMO-RETX"] "A SYN is sent once.";
    SynAckNotRetransmitted "syn-ack-not-retransmitted" ["RFC9293-TMO-RETX"] "A SYN,ACK is sent once.";
    DataNotRetransmitted "data-not-retransmitted" ["RFC9293-TMO-RETX"] "Data is sent once.";
    RtoNotDoubled "rto-not-doubled" ["RFC6298-5.5-1", "RFC2525-2.10"] "RTO stays the same however often it expires.";
    RtoTripled "rto-tripled" ["RFC6298-5.5-1"] "RTO is three times as long after each expiry.";
    RtoNotRestarted "rto-not-restarted" ["RFC6298-5.3-1"] "An ACK of new data does not restart the timer.";
    TimerRestartedByAnything "timer-restarted-by-anything" ["RFC6298-5.3-1"] "An ACK of nothing new restarts the timer as well.";
    RtoNotStopped "rto-not-stopped" ["RFC6298-5.2-1"] "The timer runs on when everything has been acknowledged, and sends the last octet again.";
    RtoTooShort "rto-too-short" ["RFC6298-2.1-1", "RFC2525-2.7"] "The first RTO is a fifth of what it should be.";
    RtoWithoutVariance "rto-without-variance" ["RFC6298-2.2-1", "RFC6298-2.3-1"] "RTO is the round trip itself, without room for how it varies.";
    RttMeasuredOnce "rtt-measured-once" ["RFC6298-3-2", "RFC6298-2.3-1"] "Only the handshake is measured.";
    RtoFloorMissing "rto-floor-missing" ["RFC6298-2.4-1"] "RTO may be as short as the round trip.";
    RtoAfterSynLossShort "rto-after-syn-loss-short" ["RFC6298-5.7-1"] "A SYN that was sent again leaves RTO for data as it was.";
    RttFromAnyAck "rtt-from-any-ack" ["RFC7323-4.1-2"] "The echo of a timestamp is measured on ACKs of nothing new as well.";
    RttFromSynEcho "rtt-from-syn-echo" ["RFC7323-3.2-3"] "The echo on a SYN, which echoes nothing, is measured.";
    RetransmitsTheLatest "retransmits-the-latest" ["RFC6298-5.4-1", "RFC9293-TMO-RETX"] "What is sent again is the end of the queue, not its front.";
    RetransmitsACrumb "retransmits-a-crumb" ["RFC2525-2.14"] "A retransmission goes out in two segments, the second as large as the options.";
    NoWindowProbe "no-window-probe" ["RFC9293-MUST-36"] "A closed window is not probed.";
    ProbeNotBackedOff "probe-not-backed-off" ["RFC9293-SHLD-30"] "Probes come at even distances.";
    ProbeGivesUp "probe-gives-up" ["RFC9293-MUST-37"] "A connection whose window stays closed is given up although probes are answered.";
    ShrunkenWindowStopsRetransmission "shrunken-window-stops-retransmission" ["RFC7323-2.4-4"] "What was sent before a scaled window shrank a little is not sent again, but probed for.";
    ProbeWithSegment "probe-with-segment" ["RFC9293-3.8.6-RWND"] "A closed window is probed with a whole segment.";
    ProbedOctetSentTwice "probed-octet-sent-twice" ["RFC9293-3.8.6.1-PROBEDATA"] "The octet of a probe that was taken is sent again under the next number.";
    UserTimeoutIgnored "user-timeout-ignored" ["RFC9293-MUST-21", "RFC9293-TMO-USER"] "The user timeout never comes.";
    UserTimeoutNotTold "user-timeout-not-told" ["RFC9293-TMO-USER"] "The user is not told of the user timeout.";
    UserTimeoutNotAnnounced "user-timeout-not-announced" ["RFC5482-3-2", "RFC5482-3-3"] "The user timeout is not announced.";
    UserTimeoutUnbound "user-timeout-unbound" ["RFC5482-3-4", "RFC5482-3.1-4"] "Whatever user timeout the peer announces is taken over.";
    UserTimeoutOverridden "user-timeout-overridden" ["RFC5482-3.1-1"] "The peer's user timeout takes the place of the one that the application has set.";
    UserTimeoutOptionIgnored "user-timeout-option-ignored" ["RFC5482-3.1-3"] "The user timeout that the peer announces is ignored.";
    UserTimeoutZeroTaken "user-timeout-zero-taken" ["RFC5482-3.4-1"] "A user timeout of zero from the peer ends the connection at once.";
    UserTimeoutHalfOpen "user-timeout-half-open" ["RFC5482-3.3-2"] "The user timeout on a SYN governs the handshake as well.";
    KeepAliveBeforeUserTimeout "keep-alive-before-user-timeout" ["RFC5482-4.2-1"] "Keep-alive takes no notice of the user timeout agreed upon.";
    KeepAliveUnasked "keep-alive-unasked" ["RFC9293-MUST-25"] "Idle connections are probed although nobody asked for it.";
    KeepAliveTooOften "keep-alive-too-often" ["RFC9293-MUST-28", "RFC2525-2.11"] "Keep-alive probes begin after a minute unless told otherwise.";
    KeepAliveHasty "keep-alive-hasty" ["RFC9293-MUST-29"] "One unanswered keep-alive probe ends the connection.";
    KeepAliveEndless "keep-alive-endless" ["RFC9293-MUST-24"] "Unanswered keep-alive probes never end the connection.";
    KeepAliveNewNumber "keep-alive-new-number" ["RFC9293-SHLD-12"] "A keep-alive probe has number SND.NXT, which the peer need not answer.";
    KeepAliveDeafToTraffic "keep-alive-deaf-to-traffic" ["RFC9293-MUST-26"] "Keep-alive probes go out although segments came.";
    NoSlowStart "no-slow-start" ["RFC5681-3.1-1", "RFC2525-2.1"] "The initial window is as large as the peer's.";
    SlowStartTooFast "slow-start-too-fast" ["RFC5681-3.1-4", "RFC5681-3-1"] "In slow start every ACK opens the window by two segments.";
    AckCountedInFull "ack-counted-in-full" ["RFC3465-2.3-1"] "In slow start an ACK opens the window by all that it acknowledges.";
    AckDivisionRewarded "ack-division-rewarded" ["RFC5681-3.1-5", "RFC5681-5-1"] "Every ACK opens the window by a segment, however little it acknowledges.";
    HandshakeOpensWindow "handshake-opens-window" ["RFC5681-3.1-2", "RFC6928-2-2"] "The ACK of the handshake opens the window like one of data.";
    FullWindowAfterSynLoss "full-window-after-syn-loss" ["RFC5681-3.1-3"] "A SYN that was sent again leaves the initial window as it is.";
    WindowUnboundWithoutMss "window-unbound-without-mss" ["RFC2525-2.3"] "Without an MSS option the congestion window is never set.";
    AdditiveIncreaseTooFast "additive-increase-too-fast" ["RFC5681-3.1-6", "RFC2525-2.6"] "Congestion avoidance opens the window by three segments in each round trip.";
    IdleWindowKept "idle-window-kept" ["RFC5681-4.1-1"] "After an idle time the window is what it was before.";
    NoCollapseOnTimeout "no-collapse-on-timeout" ["RFC5681-3.1-8", "RFC2525-2.2"] "A timeout leaves cwnd as it is.";
    ThresholdKeptOnTimeout "threshold-kept-on-timeout" ["RFC5681-3.1-7"] "A timeout leaves ssthresh as it is.";
    ThresholdLoweredByEveryTimeout "threshold-lowered-by-every-timeout" ["RFC5681-3.1-9"] "Each timeout of the same segment lowers ssthresh again.";
    NoFastRetransmit "no-fast-retransmit" ["RFC5681-3.2-3"] "Three duplicate ACKs cause no retransmission.";
    HastyFastRetransmit "hasty-fast-retransmit" ["RFC5681-3.2-3", "RFC6675-5-1"] "One duplicate ACK is enough for a fast retransmit.";
    ReportsIgnored "reports-ignored" ["RFC2018-5-1"] "What the peer reported by SACK is sent again.";
    ReportedDataReleased "reported-data-released" ["RFC2018-8-1", "RFC6675-4-1"] "What the peer reported by SACK counts as acknowledged.";
    ReportsKeptAfterTimeout "reports-kept-after-timeout" ["RFC2018-5-2", "RFC2018-5.1-2", "RFC6675-5.1-1"] "What was reported before a timeout counts after it.";
    HolesFilledTwice "holes-filled-twice" ["RFC6675-4-2", "RFC6675-5-4"] "A partial ACK causes what was just retransmitted to be sent once more.";
    RecoveryWithoutNewData "recovery-without-new-data" ["RFC6675-4-3", "RFC6675-5-5"] "While losses are repaired no new data is sent.";
    HolesNearTheEndWait "holes-near-the-end-wait" ["RFC6675-4-4"] "A hole with little above it waits for the timeout even if there is nothing else to send.";
    TailNotRescued "tail-not-rescued" ["RFC6675-4-5"] "In recovery the tail waits for the timeout.";
    ReportsIgnoredAfterTimeout "reports-ignored-after-timeout" ["RFC6675-5.1-2"] "After a timeout what the peer reports is sent again all the same.";
    RecoveryAfterTimeout "recovery-after-timeout" ["RFC6675-5.1-1", "RFC6582-3.2-4"] "After a timeout duplicates of before it start a fast retransmit.";
    BareDuplicatesCounted "bare-duplicates-counted" ["RFC5681-3.2-5", "RFC3042-2-3"] "With SACK, ACKs that report nothing count as duplicates.";
    NoHalvingOnLoss "no-halving-on-loss" ["RFC5681-3.2-6", "RFC6675-5-2"] "A loss leaves the window as it is.";
    NoInflation "no-inflation" ["RFC5681-3.2-7"] "In fast recovery duplicate ACKs let nothing new out.";
    InflatedTwice "inflated-twice" ["RFC5681-3.2-7", "RFC5681-4.3-1"] "In fast recovery every duplicate ACK lets two segments out.";
    WindowNotDeflated "window-not-deflated" ["RFC5681-3.2-8", "RFC2525-2.8", "RFC6582-3.2-3"] "When recovery ends the window stays inflated.";
    PartialAckWaits "partial-ack-waits" ["RFC6582-3.2-1"] "After a partial ACK the next hole waits for the timeout.";
    PartialAckLeavesWindow "partial-ack-leaves-window" ["RFC6582-3.2-2"] "A partial ACK does not deflate the window.";
    PartialAckLeavesTimer "partial-ack-leaves-timer" ["RFC6582-3.2-5"] "A partial ACK does not restart the timer.";
    SpuriousTimeoutMissed "spurious-timeout-missed" ["RFC5682-2.1-3"] "Though F-RTO has found that a timeout was spurious, what was outstanding is sent again.";
    DuplicatesLeaveDoubt "duplicates-leave-doubt" ["RFC5682-2.1-2"] "F-RTO goes on after duplicate ACKs, so that a real loss waits for the next timeout.";
    LimitedTransmitWidens "limited-transmit-widens" ["RFC3042-2-2"] "What limited transmit lets out stays in the window.";
    LimitedTransmitMissing "limited-transmit-missing" ["RFC3042-2-1", "RFC5681-3.2-4"] "The first two duplicate ACKs let nothing new out.";
    IcmpForAnyNumber "icmp-for-any-number" ["RFC5927-4.1-1"] "ICMP errors are believed whatever number they quote.";
    SourceQuenchObeyed "source-quench-obeyed" ["RFC9293-MUST-55", "RFC6633-3-2"] "A Source Quench ends the connection.";
    SoftErrorAborts "soft-error-aborts" ["RFC9293-MUST-56"] "A soft ICMP error ends the connection.";
    HardErrorAbortsAlways "hard-error-aborts-always" ["RFC5927-5.2-1"] "A hard ICMP error ends an established connection, as anybody can send it.";
    HardErrorIgnored "hard-error-ignored" ["RFC9293-SHLD-26"] "A hard ICMP error does not end an attempt to connect.";
    PacketTooBigIgnored "packet-too-big-ignored" ["RFC1191-3-1", "RFC8201-4-2"] "Segments stay as large as they are when a packet was too big.";
    PacketTooBigWithoutFloor "packet-too-big-without-floor" ["RFC5927-7.2-3", "RFC8201-4-1"] "A claim of an impossibly small MTU is believed.";
    PacketTooBigRaises "packet-too-big-raises" ["RFC1191-3-4", "RFC8201-4-3"] "A message that a packet was too big can also raise the estimate.";
    PathMtuForgotten "path-mtu-forgotten" ["RFC1191-3-5", "RFC8201-4-4"] "A minute after it was lowered the path's MTU is tried in full again.";
    AnnouncedMssFollowsPath "announced-mss-follows-path" ["RFC1191-6.4-4", "RFC2923-2.3-1"] "The MSS that is announced shrinks with the path's MTU.";
    PacketTooBigAborts "packet-too-big-aborts" ["RFC5927-5.2-2"] "A message that a packet was too big ends the connection.";
    ClaimAtOnce "claim-at-once" ["RFC5927-7.2-2"] "A smaller MTU is believed at once, though larger packets have passed.";
    MtuZeroIgnored "mtu-zero-ignored" ["RFC1191-3-2"] "A message that tells no MTU is ignored.";
    DontFragmentMissing "dont-fragment-missing" ["RFC7323-5.7-1", "RFC1191-2-1"] "Packets may be fragmented on their way.";
    ChecksumIgnored "checksum-ignored" ["RFC9293-MUST-3"] "Checksums are not verified.";
    ShortHeaderTaken "short-header-taken" ["RFC9293-3.1-DOFFSET-SHORT"] "A segment whose header is shorter than a header, or longer than the segment, is taken.";
    ReservedBitsRefused "reserved-bits-refused" ["RFC9293-3.1-RESERVED-RX"] "A segment with a reserved bit set is dropped.";
    UnknownOptionRefused "unknown-option-refused" ["RFC9293-MUST-6"] "A segment with an unknown option is dropped.";
    IllegalOptionPanics "illegal-option-panics" ["RFC9293-MUST-7"] "An option length that cannot be brings the stack down.";
    MssOffSynRefused "mss-off-syn-refused" ["RFC9293-MUST-5"] "A segment with an MSS option that is no SYN is dropped.";
    MssTakenLater "mss-taken-later" ["RFC9293-MUST-65"] "An MSS option on a later segment is obeyed.";
    ListenerBusyWhileHalfOpen "listener-busy-while-half-open" ["RFC9293-MUST-42"] "A listener takes no SYN while one of its connections is half open.";
    NewListenerTakesOver "new-listener-takes-over" ["RFC9293-MUST-41"] "A new listener gets the segments of the connections that its port has already.";
    AckMissingOnData "ack-missing-on-data" ["RFC9293-3.1-ACK-ALWAYS"] "Segments with data have no ACK.";
    UrgentStaysMarked "urgent-stays-marked" ["RFC9293-3.8.5-ONEOCTET"] "After urgent data URG stands on every segment without data.";
    UrgentPointerRecedes "urgent-pointer-recedes" ["RFC9293-3.8.5-NORECEDE"] "The urgent pointer of a second SEND leaves out what is still queued of the first.";
    HalfWindowIgnored "half-window-ignored" ["RFC9293-3.8.6.2-FS"] "Less than a segment is not sent, though it would fill half of the peer's window.";
    SendsNotMerged "sends-not-merged" ["RFC9293-SHLD-27"] "Each SEND becomes a segment of its own.";
    MssReadSigned "mss-read-signed" ["RFC9293-3.7.5-JUMBO"] "An MSS of 32768 or more is taken for none.";
    EverythingAckedAtOnce "everything-acked-at-once" ["RFC9293-SHLD-18"] "No ACK is ever delayed.";
    SoftErrorForgotten "soft-error-forgotten" ["RFC9293-MUST-47", "RFC9293-SHLD-25"] "The user is never told of a soft ICMP error.";
    ChecksumMisjudgedOverIpv6 "checksum-misjudged-over-ipv6" ["RFC9293-3.1-CKSUM-V6"] "Over IPv6 the checksum is computed with the pseudo-header of IPv4, so that every checksum seems wrong.";
    ListenerTakesCalls "listener-takes-calls" ["RFC9293-CALL-SEND-LISTEN", "RFC9293-CALL-RECEIVE-LISTEN"] "SEND and RECEIVE on a listener succeed and do nothing.";
    StatusForgets "status-forgets" ["RFC9293-CALL-STATUS-ESTABLISHED", "RFC9293-CALL-STATUS-LISTEN"] "STATUS says CLOSED whatever the state is.";
    StatusLingers "status-lingers" ["RFC9293-CALL-STATUS-CLOSED"] "STATUS says ESTABLISHED of a connection that is no more.";
    UrgentNotTold "urgent-not-told" ["RFC9293-MUST-32", "RFC9293-SEG-FINWAIT1-URG", "RFC9293-SEG-FINWAIT2-URG"] "The user is not told of urgent data.";
    UrgentToldForEver "urgent-told-for-ever" ["RFC9293-MUST-33"] "Once urgent data came, the user is told that there is more of it for ever.";
    HalfOpenForEver "half-open-for-ever" ["RFC9293-MUST-20"] "A SYN,ACK is sent again however often it has stayed unanswered.";
    FinWait2Limited "fin-wait-2-limited" ["RFC9293-3.6-SIMPLEX", "RFC9293-SEG-FINWAIT2-DATA"] "FIN-WAIT-2 ends after a minute though the application is reading.";
    LocalAddressIgnored "local-address-ignored" ["RFC9293-MUST-43"] "An OPEN with a local address uses another one of the host's.";
    AddressNotChosen "address-not-chosen" ["RFC9293-MUST-44"] "An OPEN without a local address sends a SYN from no address at all.";
    SourceChosenAnew "source-chosen-anew" ["RFC9293-MUST-45"] "FINs and RSTs come from another address of the host.";
    IpOptionsRefused "ip-options-refused" ["RFC9293-MUST-50", "RFC9293-MAY-10", "RFC9293-MAY-11"] "A segment that came with IPv4 options is dropped.";
    PaddedPacketsRefused "padded-packets-refused" ["RFC894-PADDING"] "A packet behind which the link has put padding is dropped.";
    PaddingTakenForText "padding-taken-for-text" ["RFC894-PADDING"] "The padding of the link is taken for text.";
    LowTtlRefused "low-ttl-refused" ["RFC1122-3.2.1.7-RECEIVED"] "A packet that comes with a time to live below 2 is dropped.";
    FinWithoutTtl "fin-without-ttl" ["RFC1122-3.2.1.7-SENT"] "A FIN is sent with a time to live of zero.";
    ResetWithoutIpChecksum "reset-without-ip-checksum" ["RFC791-3.1-CHECKSUM"] "The IPv4 header of a reset has no checksum.";
    FinLengthTooLarge "fin-length-too-large" ["RFC791-3.1-LENGTHS", "RFC8200-3-PAYLOAD-LENGTH"] "The IP header of a FIN counts an octet too many.";
    FinAgainBehindText "fin-again-behind-text" ["RFC9293-3.4-SYNFIN-SEQ"] "A FIN that is sent again has an octet of text before it that was never there.";
    ResetWithoutIpHeader "reset-without-ip-header" ["RFC791-3.1-VERSION"] "A reset is sent without its IP header.";
    DscpFixed "dscp-fixed" ["RFC9293-MUST-48", "RFC9293-SHLD-21"] "The DSCP is zero whatever the application sets.";
    DscpCut "dscp-cut" ["RFC9293-SHLD-22"] "Of the DSCP only the three bits are kept that were the precedence once.";
    TtlFixed "ttl-fixed" ["RFC9293-MUST-49"] "The TTL is 64 whatever the application sets.";
    ConnectsToAnybody "connects-to-anybody" ["RFC9293-MUST-46", "RFC9293-CALL-OPEN-CLOSED-NOREMOTE"] "OPEN to a broadcast, multicast or unspecified address sends a SYN.";
    OpenAgainTaken "open-again-taken" ["RFC9293-CALL-OPEN-ESTABLISHED", "RFC9293-CALL-OPEN-LISTEN-NOREMOTE"] "OPEN succeeds on a connection that is open already.";
    BroadcastAnswered "broadcast-answered" ["RFC9293-MUST-57", "RFC9293-MUST-63"] "Segments from or to broadcast and multicast addresses are answered.";
    WrongConnection "wrong-connection" ["RFC9293-SEG-CLOSED-ACK"] "Of the peer's end only the address is looked at: segments for another port reach the connection.";
    HeaderClaimsTooMuch "header-claims-too-much" ["RFC9293-3.1-DOFFSET-SHORT"] "The data offset of an ACK without text counts a word that is not there.";
    ReservedBitAgain "reserved-bit-again" ["RFC9293-3.1-RESERVED-TX"] "What is sent again has a reserved bit set.";
    PaddingNotZero "padding-not-zero" ["RFC9293-MUST-69"] "The octets that pad the options of a SYN are not zero.";
    SackPermittedTwice "sack-permitted-twice" ["RFC2018-2-2"] "SACK-permitted stands on a SYN twice.";
    MssForgottenAgain "mss-forgotten-again" ["RFC9293-SHLD-5"] "A SYN,ACK that is sent again announces no MSS.";
    MssOfTheLinkAgain "mss-of-the-link-again" ["RFC9293-MUST-67"] "A SYN,ACK that is sent again announces the MTU as its MSS.";
    ScaleUnlimitedAgain "scale-unlimited-again" ["RFC7323-2.3-6"] "A SYN,ACK that is sent again announces a shift of 15.";
    ScaleUnaskedAgain "scale-unasked-again" ["RFC7323-2.2-4"] "A SYN,ACK that is sent again scales windows although the SYN did not.";
    TimestampsUnaskedAgain "timestamps-unasked-again" ["RFC7323-3.2-4"] "A SYN,ACK that is sent again has timestamps although the SYN had none.";
    EcnAgreedAgain "ecn-agreed-again" ["RFC3168-6.1.1-2"] "A SYN,ACK that is sent again agrees to ECN although the SYN did not ask for it.";
    SynEcnCapable "syn-ecn-capable" ["RFC3168-6.1.1-10"] "A SYN,ACK that agrees to ECN is ECN-capable.";
    SynEchoesGarbage "syn-echoes-garbage" ["RFC7323-3.2-1"] "TSecr of a SYN is not zero.";
    MssAgain "mss-again" ["RFC9293-MUST-65"] "What is sent again announces an MSS.";
    StaleAckAgain "stale-ack-again" ["RFC9293-3.4-ACK-CUM"] "What is sent again acknowledges what it did the first time.";
    WindowZeroAgain "window-zero-again" ["RFC9293-SHLD-14"] "What is sent again closes the window.";
    CoalescedAgain "coalesced-again" ["RFC9293-MUST-16"] "Retransmitted text is put together into segments larger than the MSS.";
    UrgentPointerBack "urgent-pointer-back" ["RFC9293-3.8.5-NORECEDE"] "The urgent pointer of what is sent again moves back.";
    TimestampsMissingAgain "timestamps-missing-again" ["RFC7323-3.2-5"] "What is sent again has no timestamps.";
    TimestampsUnagreedAgain "timestamps-unagreed-again" ["RFC7323-3.2-4"] "What is sent again has timestamps that were not agreed upon.";
    StaleTimestampAgain "stale-timestamp-again" ["RFC7323-4.1-1"] "What is sent again has a TSval of before it was sent first.";
    StaleEchoAgain "stale-echo-again" ["RFC7323-4.3-4"] "What is sent again echoes what it did the first time.";
    EchoZeroAgain "echo-zero-again" ["RFC7323-3.2-2"] "What is sent again echoes nothing.";
    DuplicateReportUnpermitted "duplicate-report-unpermitted" ["RFC2018-4-1"] "Duplicates are reported to a peer that did not permit SACK.";
    DuplicateReportTooLong "duplicate-report-too-long" ["RFC2883-4-3"] "Of a segment that came in part before, more is reported as a duplicate than came twice.";
    SackSecondTooLong "sack-second-too-long" ["RFC2018-3-1"] "The second SACK block is an octet too long.";
    SackPassedKept "sack-passed-kept" ["RFC2018-3-3"] "A SACK block that the ACK covers is still sent.";
    SackIslandInTwo "sack-island-in-two" ["RFC2018-4-6"] "One stretch of text above a gap is reported in two SACK blocks.";
    EcnCapableAgain "ecn-capable-again" ["RFC3168-6.1.5-1"] "What is sent again is ECN-capable.";
    EcnCapableFin "ecn-capable-fin" ["RFC3168-6.1.1-4"] "A FIN is ECN-capable whether that was agreed upon or not.";
    EcnCapableRepeatedAck "ecn-capable-repeated-ack" ["RFC3168-6.1.4-1"] "An ACK that repeats another is ECN-capable.";
    EceAgain "ece-again" ["RFC3168-6.1.3-1"] "What is sent again echoes a mark that never came.";
    CwrOnAcks "cwr-on-acks" ["RFC3168-6.1.2-4"] "CWR stands on ACKs without text.";
    SynAckNumberMoves "syn-ack-number-moves" ["RFC9293-3.8-CONTENT"] "A SYN,ACK that is sent again twice has another number.";
    AckMissingAgain "ack-missing-again" ["RFC9293-3.1-ACK-ALWAYS"] "What is sent again twice lacks the ACK.";
    FinNumberMoves "fin-number-moves" ["RFC9293-3.4-SYNFIN-SEQ"] "A FIN that is sent again twice has another number.";
    SynAckOutOfData "syn-ack-out-of-data" ["RFC9293-SEG-ESTABLISHED-ACK-GOOD"] "When text has timed out twice the SYN,ACK is sent again.";
    UrgentOnRepeatedAck "urgent-on-repeated-ack" ["RFC9293-3.8.5-ONEOCTET"] "An ACK that repeats another has URG.";
    NumberSkipped "number-skipped" ["RFC9293-3.4-SYNFIN-SEQ"] "An ACK after text has a number one beyond it.";
    SynEcnCapableAgain "syn-ecn-capable-again" ["RFC3168-6.1.1-10"] "A SYN, or a SYN,ACK, that is sent again is ECN-capable.";
    SynEchoesGarbageAgain "syn-echoes-garbage-again" ["RFC7323-3.2-1"] "TSecr of a SYN that is sent again is not zero.";
    ReservedBitsEchoed "reserved-bits-echoed" ["RFC9293-3.1-RESERVED-TX"] "The reserved bits of an ACK are those of the segment that it answers.";
    TimestampsGiveWay "timestamps-give-way" ["RFC7323-3.2-5"] "Text leaves no room for both SACK blocks and timestamps, and the timestamps go.";
    FinEchoesNothing "fin-echoes-nothing" ["RFC7323-3.2-2"] "TSecr of a FIN is zero.";
    FinEchoesTheSyn "fin-echoes-the-syn" ["RFC7323-4.3-4"] "A FIN echoes the timestamp of the peer's SYN.";
    TextEchoesTheLatest "text-echoes-the-latest" ["RFC7323-4.3-4"] "A segment with text echoes the timestamp that came last, above a gap too.";
    TimestampStandsAgain "timestamp-stands-again" ["RFC7323-4.1-1"] "What is sent again has the TSval of the first time.";
    EcnCapableEcho "ecn-capable-echo" ["RFC3168-6.1.4-1"] "An ACK that echoes a mark is ECN-capable itself.";
    StaleSackAgain "stale-sack-again" ["RFC2018-3-3"] "What is sent again has the SACK blocks of the first time.";
    SackTooLongOnText "sack-too-long-on-text" ["RFC2018-3-1"] "The second SACK block of a segment with text is an octet too long.";
    SackInTwoOnText "sack-in-two-on-text" ["RFC2018-4-6"] "A segment with text reports the second stretch above a gap in two SACK blocks.";
    DuplicateReportOnText "duplicate-report-on-text" ["RFC2883-4-3"] "A segment with text reports as a duplicate what it acknowledges.";
    SynAckRtoNotDoubled "syn-ack-rto-not-doubled" ["RFC6298-5.5-1"] "RTO of a SYN,ACK stays the same however often it expires.";
    FinRtoNotDoubled "fin-rto-not-doubled" ["RFC6298-5.5-1"] "RTO of a FIN stays the same however often it expires.";
    ReorderingTimerMissing "reordering-timer-missing" ["RFC8985-6.2-1"] "A loss that only time can show is not noticed before another ACK comes.";
    TailProbeMissing "tail-probe-missing" ["RFC8985-7.2-1"] "No probe is sent for a tail that may be lost.";
    TailProbeFromTheFront "tail-probe-from-the-front" ["RFC8985-7.3-1"] "The probe for a lost tail is the first segment outstanding, not the last.";
    TailProbeRepeated "tail-probe-repeated" ["RFC8985-7.3-2"] "A tail is probed for again although nothing was heard of the first probe.";
    RtoDoubledTwiceOnly "rto-doubled-twice-only" ["RFC6298-5.5-1"] "RTO doubles twice and no more.";
    TalkersAckLate "talkers-ack-late" ["RFC9293-MUST-40"] "After text of its own was acknowledged the endpoint delays ACKs by a second.";
    DscpChangeResets "dscp-change-resets" ["RFC2873-4-1", "RFC3360-2.4-1"] "A segment whose DSCP is not that of the SYN resets the connection.";
}

impl Defect {
    /// The mistake of that name.
    pub fn from_name(name: &str) -> Option<Defect> {
        Defect::ALL.iter().copied().find(|defect| defect.name() == name)
    }
}

/// A set of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Defects(pub(super) [u64; WORDS]);

/// Words of 64 bits that hold a bit for each.
pub(super) const WORDS: usize = Defect::ALL.len().div_ceil(64);

impl Defects {
    /// None at all.
    pub const NONE: Defects = Defects([0; WORDS]);

    /// All that there are.
    pub const ALL: Defects = {
        let mut all = Defects::NONE;
        let mut at = 0;
        while at < Defect::ALL.len() {
            all = all.with(Defect::ALL[at]);
            at += 1;
        }
        all
    };

    /// This one only.
    pub const fn only(defect: Defect) -> Defects {
        Defects::NONE.with(defect)
    }

    /// These and this one.
    pub const fn with(mut self, defect: Defect) -> Defects {
        self.0[defect as usize / 64] |= 1 << (defect as usize % 64);
        self
    }

    /// Whether it is among them.
    pub const fn contains(self, defect: Defect) -> bool {
        self.0[defect as usize / 64] & 1 << (defect as usize % 64) != 0
    }

    /// Those that are in both.
    pub fn both(self, other: Defects) -> Defects {
        Defects(std::array::from_fn(|word| self.0[word] & other.0[word]))
    }

    /// Those that are not in the other.
    pub fn without(self, other: Defects) -> Defects {
        Defects(std::array::from_fn(|word| self.0[word] & !other.0[word]))
    }

    /// Each of them, in the order of [`Defect::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Defect> {
        Defect::ALL.iter().copied().filter(move |defect| self.contains(*defect))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Library;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_is_found_and_none_is_used_twice() {
        let names: BTreeSet<&str> = Defect::ALL.iter().map(|defect| defect.name()).collect();
        assert_eq!(names.len(), Defect::ALL.len());
        for defect in Defect::ALL {
            assert_eq!(Defect::from_name(defect.name()), Some(*defect));
            assert!(Defects::only(*defect).contains(*defect) && !Defects::NONE.contains(*defect));
        }
        assert!(Defect::ALL.len() >= 120);
    }

    #[test]
    fn every_mistake_breaks_requirements_that_exist() {
        let library = Library::bundled().unwrap_or_else(|problems| panic!("{problems}"));
        let unknown: Vec<_> = Defect::ALL
            .iter()
            .flat_map(|defect| defect.breaks().iter().map(move |id| (defect.name(), *id)))
            .filter(|(_, id)| library.requirements().get(id).is_none())
            .collect();
        assert!(unknown.is_empty(), "{unknown:?}");
        assert!(Defect::ALL.iter().all(|defect| !defect.breaks().is_empty()));
    }
}
