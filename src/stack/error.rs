//! The neutral names of errors that calls end with.

use core::fmt;

/// An error's neutral name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ErrorName {
    /// ECONNREFUSED
    Refused,
    /// ECONNRESET
    Reset,
    /// ETIMEDOUT
    TimedOut,
    /// EHOSTUNREACH, ENETUNREACH
    Unreachable,
    /// EPIPE
    Closing,
    /// ENOTCONN
    DoesNotExist,
    /// EADDRINUSE, EISCONN
    AlreadyExists,
    /// ENOBUFS
    NoResources,
    /// EINVAL
    Invalid,
    /// Any other, or a stack without names.
    Error,
}

impl ErrorName {
    /// All of them.
    pub const ALL: [ErrorName; 10] = [
        ErrorName::Refused,
        ErrorName::Reset,
        ErrorName::TimedOut,
        ErrorName::Unreachable,
        ErrorName::Closing,
        ErrorName::DoesNotExist,
        ErrorName::AlreadyExists,
        ErrorName::NoResources,
        ErrorName::Invalid,
        ErrorName::Error,
    ];

    /// The name as a case writes it: `timed-out`.
    pub const fn name(self) -> &'static str {
        match self {
            ErrorName::Refused => "refused",
            ErrorName::Reset => "reset",
            ErrorName::TimedOut => "timed-out",
            ErrorName::Unreachable => "unreachable",
            ErrorName::Closing => "closing",
            ErrorName::DoesNotExist => "does-not-exist",
            ErrorName::AlreadyExists => "already-exists",
            ErrorName::NoResources => "no-resources",
            ErrorName::Invalid => "invalid",
            ErrorName::Error => "error",
        }
    }

    /// The error of that name.
    pub fn from_name(name: &str) -> Option<ErrorName> {
        ErrorName::ALL.into_iter().find(|error| error.name() == name)
    }
}

impl fmt::Display for ErrorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(f)
    }
}
