//! Values of a host's settings, as cases write them.

use crate::notation::TimeSpec;
use crate::stack::Takes;

/// What is wrong with a value, if something is.
pub(super) fn refuse(takes: Takes, value: &str) -> Option<String> {
    match takes {
        Takes::Flag if matches!(value, "true" | "false") => None,
        Takes::Flag => Some("write `true` or `false`".into()),
        Takes::Number if value.parse::<u32>().is_ok() => None,
        Takes::Number => Some("write a whole number".into()),
        Takes::Time if TimeSpec::parse(value).is_ok_and(|time| !time.about && time.from.is_none()) => None,
        Takes::Time => Some("write a time, such as `30s`".into()),
        Takes::OneOf(words) if words.contains(&value) => None,
        Takes::OneOf(words) => Some(format!("write one of `{}`", words.join("`, `"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notation::CallSpec;
    use crate::stack::Setting;

    #[test]
    fn every_socket_setting_is_one_that_set_takes() {
        for setting in Setting::of_sockets() {
            let taken = ["true", "1", "1s"]
                .iter()
                .any(|value| CallSpec::parse(&format!("set {}={value}", setting.name())).is_ok());
            assert!(taken, "{}", setting.name());
        }
    }

    #[test]
    fn settings_of_the_host_take_what_they_say() {
        assert_eq!(refuse(Takes::Flag, "true"), None);
        assert!(refuse(Takes::Flag, "1").is_some());
        assert_eq!(refuse(Takes::Number, "3"), None);
        assert!(refuse(Takes::Number, "-3").is_some());
        assert_eq!(refuse(Takes::Time, "30s"), None);
        assert!(refuse(Takes::Time, "30").is_some() || refuse(Takes::Time, "soonish").is_some());
        assert_eq!(refuse(Takes::OneOf(&["never"]), "never"), None);
        assert!(refuse(Takes::OneOf(&["never"]), "ever").is_some());
    }
}
