//! The choices that RFCs leave, by name: each turns one switch of [`Config`] away from its default.

use super::config::{
    BacklogFull, Config, EcnUse, GiveUp, HardError, IllegalOption, InitialWindow, KeepAliveProbe, LostData, Recovery,
    RepeatedSyn, SecondFin, SoftError, SynCookies, SynData, WindowGrowth, WindowProbe,
};

/// A choice other than the default one.
#[derive(Clone, Copy, Debug)]
pub struct Switch {
    /// As a case and a user write it: `syn-data=discard`.
    pub name: &'static str,
    /// What the endpoint does then, in a sentence.
    pub meaning: &'static str,
    turn: fn(&mut Config),
}

macro_rules! switches {
    ($($name:literal $meaning:literal $($field:ident).+ = $value:expr;)*) => {
        /// All of them; those of one field stand together.
        pub const SWITCHES: &[Switch] = &[$(Switch {
            name: $name,
            meaning: $meaning,
            turn: |config| config.$($field).+ = $value,
        }),*];
    };
}

switches! {
    "close-with-unread=fin" "CLOSE with unread data is orderly." close_with_unread = LostData::Fin;
    "data-after-close=fin" "What comes after CLOSE is acknowledged and thrown away." data_after_close = LostData::Fin;
    "text-after-fin=answer" "Text after the peer's FIN is answered by an ACK; it is ignored in any case." unsaid.answer_text_after_fin = true;
    "second-fin=count" "A second FIN, beyond the first, is acknowledged." unsaid.second_fin = SecondFin::Count;
    "second-fin=ignore" "A second FIN, beyond the first, is not answered." unsaid.second_fin = SecondFin::Ignore;
    "last-ack-stray=answer" "An ACK in LAST-ACK that acknowledges nothing new is answered." unsaid.answer_in_last_ack = true;
    "rfc1337" "RSTs in TIME-WAIT are ignored." rfc1337 = true;
    "right-overlap=keep" "Text past the right edge is taken along with what lies inside." keep_right_overlap = true;
    "keep-out-of-order=no" "Text above a gap is thrown away." keep_out_of_order = false;
    "keep-out-of-order-fin=no" "A FIN above a gap is thrown away." keep_out_of_order_fin = false;
    "reopen-time-wait=no" "No SYN opens a connection out of TIME-WAIT." reopen_time_wait = false;
    "answer-unfit-syn" "A SYN that may not reopen a connection in TIME-WAIT is challenged." answer_unfit_syn = true;
    "time-wait-answers" "Every ACK in TIME-WAIT is answered." time_wait_answers = true;
    "syn-data=acknowledge" "Text and FIN on a SYN are acknowledged with it." syn_data = SynData::Acknowledge;
    "syn-data=discard" "Text and FIN on a SYN are thrown away." syn_data = SynData::Discard;
    "syn-fin=no" "A SYN that carries FIN is dropped." syn_fin = false;
    "syn-ack-data=discard" "Text and FIN on a SYN,ACK are thrown away." unsaid.discard_syn_ack_text = true;
    "half-open-syn=reset" "A SYN that leads from SYN-RECEIVED back to LISTEN is answered by a reset." unsaid.reset_half_open = true;
    "backlog-full=reset" "A SYN that finds the backlog full is reset." backlog_full = BacklogFull::Reset;
    "repeated-syn=syn-ack" "A repeated SYN, or another outside the window, is answered by the SYN,ACK once more." repeated_syn = RepeatedSyn::SynAck;
    "delayed-ack=no" "Everything is acknowledged at once." delayed_ack = false;
    "nagle=no" "Nagle's algorithm is off." nagle = false;
    "keep-alive-probe=octet" "A keep-alive probe carries an octet." keep_alive_probe = KeepAliveProbe::OneOctet;
    "keep-alive-end=reset" "Unanswered keep-alive probes end in a reset." keep_alive_end = GiveUp::Reset;
    "window-probe=old" "A closed window is probed with an old number." window_probe = WindowProbe::Old;
    "shrunk-window=retransmit" "What was sent before the window was closed goes out again in the place of a probe." retransmit_beyond_window = true;
    "window-grows=once" "Half of the buffer is offered at first, and the rest when that has come." window_growth = WindowGrowth::Once;
    "window-grows=twice" "A quarter of the buffer is offered at first, then three, then all." window_growth = WindowGrowth::Twice;
    "user-timeout-end=reset" "A connection that is given up is reset." user_timeout_end = GiveUp::Reset;
    "rfc5961=no" "RSTs and SYNs in the window are obeyed, as before RFC 5961." rfc5961 = false;
    "ack-range-check=no" "The range of ACK numbers is not checked as RFC 5961 allows." ack_range_check = false;
    "timestamps=no" "Timestamps are neither offered nor agreed to." timestamps = false;
    "require-timestamps=no" "Segments without the timestamps agreed upon are taken." require_timestamps = false;
    "window-scale=no" "Window scaling is neither offered nor agreed to." window_scale = false;
    "sack=no" "SACK is neither offered nor agreed to." sack = false;
    "sack-blocks=one" "Only one SACK block is ever sent, the newest." one_sack_block = true;
    "dsack=no" "Duplicates are not reported." dsack = false;
    "recovery=newreno" "Losses are recovered from without SACK." recovery = Recovery::NewReno;
    "rack" "Losses are told by time, and a lost tail is probed for." rack = true;
    "limited-transmit=no" "The first duplicate ACKs let nothing out." limited_transmit = false;
    "f-rto" "After a timeout two ACKs tell whether it was spurious (RFC 5682)." f_rto = true;
    "initial-window=10" "The initial window is that of RFC 6928." initial_window = InitialWindow::Rfc6928;
    "restart-after-idle=no" "cwnd stays as it is when a connection idles." restart_after_idle = false;
    "syn-cookies=never" "There are no SYN cookies." syn_cookies = SynCookies::Never;
    "syn-cookies=always" "Every SYN is answered by a cookie." syn_cookies = SynCookies::Always;
    "cookie-life=longer" "A SYN cookie is good for three minutes instead of two." unsaid.cookie_lives_longer = true;
    "cookie-options" "The timestamp of a SYN cookie remembers scaling and SACK." cookie_options = true;
    "ecn=off" "ECN is not agreed to." ecn = EcnUse::Off;
    "ecn=ask" "ECN is asked for." ecn = EcnUse::Ask;
    "ecn-syn-again=ask" "A SYN that is sent again asks for ECN again." unsaid.ask_ecn_again = true;
    "hard-errors=abort" "A hard ICMP error ends any connection." hard_errors = HardError::Abort;
    "soft-errors=abort" "A soft ICMP error ends an attempt to connect." soft_errors = SoftError::AbortAttempt;
    "path-mtu-discovery=no" "The path's MTU is not looked for." path_mtu_discovery = false;
    "illegal-option=drop" "A segment with an illegal option is dropped." illegal_option = IllegalOption::Drop;
    "illegal-option=reset" "A segment with an illegal option resets the connection." illegal_option = IllegalOption::Reset;
    "abort-with-ack" "ABORT's RST carries an ACK." abort_with_ack = true;
    "abort-in-time-wait=stay" "ABORT in TIME-WAIT lets the wait run on." unsaid.abort_keeps_time_wait = true;
    "close-in-syn-received=wait" "CLOSE in SYN-RECEIVED waits for ESTABLISHED." unsaid.close_waits_for_established = true;
    "time-wait-after-reset" "Who resets stays in TIME-WAIT." time_wait_after_reset = true;
    "user-timeout-option" "The user timeout is announced and taken over." user_timeout_option = true;
}

impl Switch {
    /// The choice of that name.
    pub fn from_name(name: &str) -> Option<Switch> {
        SWITCHES.iter().copied().find(|switch| switch.name == name)
    }

    /// Makes it.
    pub fn turn(&self, config: &mut Config) {
        (self.turn)(config);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_name_and_changes_something() {
        for switch in SWITCHES {
            let found = Switch::from_name(switch.name).unwrap();
            let mut config = Config::default();
            found.turn(&mut config);
            assert_ne!(config, Config::default(), "{}", switch.name);
            assert_eq!(found.meaning, switch.meaning);
        }
    }
}
