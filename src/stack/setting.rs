//! The settings that an application may change on a socket.

use core::fmt;

/// What `set` sets, and what `listen` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Setting {
    /// `backlog=N` of listen.
    Backlog,
    /// `fast-open=N` of listen: how many may wait; of connect: `true`.
    FastOpen,
    /// `nodelay=true`: Nagle's algorithm off (RFC 9293 section 3.7.4).
    NoDelay,
    /// `linger=0s`: what close does with unsent data.
    Linger,
    /// `keep-alive=true` (RFC 9293 section 3.8.4).
    KeepAlive,
    /// `keep-alive-idle=3s`
    KeepAliveIdle,
    /// `keep-alive-interval=1s`
    KeepAliveInterval,
    /// `keep-alive-count=3`
    KeepAliveCount,
    /// `user-timeout=3s` (RFC 9293 section 3.8.3).
    UserTimeout,
    /// `urgent-inline=true`
    UrgentInline,
    /// `send-buffer=8192`, octets.
    SendBuffer,
    /// `recv-buffer=8192`, octets.
    RecvBuffer,
    /// `mss=500`: the largest segment to be announced.
    Mss,
    /// `quick-ack=true`
    QuickAck,
    /// `dscp=46`: the DSCP of what is sent (RFC 9293 section 3.9.1.1).
    Dscp,
    /// `ttl=42`: the time to live, or hop limit (RFC 9293 section 3.9.2).
    Ttl,
}

impl Setting {
    /// All of them.
    pub const ALL: [Setting; 16] = [
        Setting::Backlog,
        Setting::FastOpen,
        Setting::NoDelay,
        Setting::Linger,
        Setting::KeepAlive,
        Setting::KeepAliveIdle,
        Setting::KeepAliveInterval,
        Setting::KeepAliveCount,
        Setting::UserTimeout,
        Setting::UrgentInline,
        Setting::SendBuffer,
        Setting::RecvBuffer,
        Setting::Mss,
        Setting::QuickAck,
        Setting::Dscp,
        Setting::Ttl,
    ];

    /// The name as a case writes it: `keep-alive-idle`.
    pub const fn name(self) -> &'static str {
        match self {
            Setting::Backlog => "backlog",
            Setting::FastOpen => "fast-open",
            Setting::NoDelay => "nodelay",
            Setting::Linger => "linger",
            Setting::KeepAlive => "keep-alive",
            Setting::KeepAliveIdle => "keep-alive-idle",
            Setting::KeepAliveInterval => "keep-alive-interval",
            Setting::KeepAliveCount => "keep-alive-count",
            Setting::UserTimeout => "user-timeout",
            Setting::UrgentInline => "urgent-inline",
            Setting::SendBuffer => "send-buffer",
            Setting::RecvBuffer => "recv-buffer",
            Setting::Mss => "mss",
            Setting::QuickAck => "quick-ack",
            Setting::Dscp => "dscp",
            Setting::Ttl => "ttl",
        }
    }

    /// What it sets, in a few words.
    pub const fn meaning(self) -> &'static str {
        match self {
            Setting::Backlog => "how many connections may wait to be accepted",
            Setting::FastOpen => "fast open (RFC 7413)",
            Setting::NoDelay => "Nagle's algorithm off",
            Setting::Linger => "what close does with unsent data",
            Setting::KeepAlive => "keep-alives on or off",
            Setting::KeepAliveIdle => "how long a connection is idle before the first keep-alive",
            Setting::KeepAliveInterval => "the time between unanswered keep-alives",
            Setting::KeepAliveCount => "how many unanswered keep-alives end the connection",
            Setting::UserTimeout => "how long data may stay unacknowledged",
            Setting::UrgentInline => "urgent data in the stream",
            Setting::SendBuffer => "the send buffer in octets",
            Setting::RecvBuffer => "the receive buffer in octets",
            Setting::Mss => "the largest segment to be announced",
            Setting::QuickAck => "acknowledgments without delay",
            Setting::Dscp => "the DSCP of what is sent",
            Setting::Ttl => "the time to live, or hop limit, of what is sent",
        }
    }

    /// Those that `set` sets on a socket, and that the ability `set:NAME` is about. The others belong to `listen` and
    /// `connect`.
    pub fn of_sockets() -> impl Iterator<Item = Setting> + Clone {
        let of_calls = |setting: &Setting| matches!(setting, Setting::Backlog | Setting::FastOpen);
        Setting::ALL.into_iter().filter(move |setting| !of_calls(setting))
    }

    /// The setting of that name.
    pub fn from_name(name: &str) -> Option<Setting> {
        Setting::ALL.into_iter().find(|setting| setting.name() == name)
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(f)
    }
}
