//! What a script needs of a target, found out before it begins.

use super::Verdict;
use crate::notation::{OptionValue, Verb};
use crate::rfc::Condition;
use crate::script::{Script, Step, StepKind};
use crate::stack::Facts;
use crate::stack::Setting;
use crate::wire::Flags;

/// The first thing that is missing: the verdict that follows, and why.
pub(super) fn missing(script: &Script, facts: &Facts, ip: &str) -> Option<(Verdict, String)> {
    let cannot = |ability: &str| (Verdict::Unsupported, format!("{} cannot do {ability}", facts.name));
    if !facts.abilities.can(ip) {
        return Some(cannot(ip));
    }
    if let Some(condition) = unclaimed_option(script, facts) {
        let reason = format!("{} does not claim `{condition}`, which `given` asks for", facts.name);
        return Some((Verdict::NotApplicable, reason));
    }
    for need in &script.needs {
        if !facts.abilities.can(need) && !facts.claims.iter().any(|claim| claim.name() == need) {
            return Some(cannot(need));
        }
    }
    let given = script.given.iter().flat_map(|given| &given.steps);
    given
        .chain(&script.steps)
        .find_map(|step| missing_in(step, facts))
        .map(|ability| cannot(&ability))
}

/// The first condition without which the target does not take up an option that is offered on the way into a state: it
/// is another state then.
fn unclaimed_option(script: &Script, facts: &Facts) -> Option<Condition> {
    let given = script.given.iter().flat_map(|given| &given.steps);
    let offered = given.filter_map(|step| match &step.kind {
        StepKind::Inject(segment) if segment.sets(Flags::SYN) => segment.options.as_deref(),
        _ => None,
    });
    let mut asked = offered.flatten().filter_map(|option| condition_of(&option.value));
    asked.find(|condition| !facts.claims.contains(condition) && !facts.abilities.can(condition.name()))
}

/// What a stack claims that takes up an option.
fn condition_of(option: &OptionValue) -> Option<Condition> {
    match option {
        OptionValue::WindowScale(_) => Some(Condition::WindowScale),
        OptionValue::SackPermitted => Some(Condition::Sack),
        OptionValue::Timestamps(..) => Some(Condition::Timestamps),
        OptionValue::FastOpen(_) => Some(Condition::FastOpen),
        OptionValue::Md5(_) => Some(Condition::Md5),
        OptionValue::UserTimeout(_) => Some(Condition::UserTimeoutOption),
        OptionValue::Mss(_)
        | OptionValue::Sack(_)
        | OptionValue::Nop
        | OptionValue::Eol
        | OptionValue::Other(..)
        | OptionValue::Raw(_) => None,
    }
}

fn missing_in(step: &Step, facts: &Facts) -> Option<String> {
    match &step.kind {
        StepKind::Call(call) => {
            let verb = verb_ability(call.call.verb).filter(|verb| !facts.abilities.can(verb));
            let setting = || {
                let settings = call
                    .call
                    .settings
                    .iter()
                    .map(|(setting, _)| setting_ability(call.call.verb, *setting));
                settings.flatten().find(|ability| !facts.abilities.can(ability))
            };
            let urgent = || (call.call.urgent && !facts.abilities.can("urgent")).then(|| "urgent".to_owned());
            verb.map(str::to_owned).or_else(setting).or_else(urgent)
        }
        StepKind::AnyOf(_)
        | StepKind::Inject(_)
        | StepKind::InjectIcmp(_)
        | StepKind::Fill(_)
        | StepKind::Expect(_)
        | StepKind::Nothing(_)
        | StepKind::Result(_)
        | StepKind::Wait(..)
        | StepKind::State(_)
        | StepKind::Faults(_)
        | StepKind::Check(_) => None,
    }
}

fn verb_ability(verb: Verb) -> Option<&'static str> {
    match verb {
        Verb::Listen => Some("listen"),
        Verb::Connect => Some("connect"),
        Verb::Accept => Some("accept"),
        Verb::Send => Some("send"),
        Verb::Recv => Some("recv"),
        Verb::Shutdown => Some("shutdown"),
        Verb::Close => Some("close"),
        Verb::Abort => Some("abort"),
        // What is set decides.
        Verb::Set => None,
    }
}

fn setting_ability(verb: Verb, setting: Setting) -> Option<String> {
    match setting {
        Setting::Backlog => None,
        Setting::FastOpen if verb == Verb::Connect => Some("fast-open-client".to_owned()),
        Setting::FastOpen => Some("fast-open-server".to_owned()),
        Setting::NoDelay
        | Setting::Linger
        | Setting::KeepAlive
        | Setting::KeepAliveIdle
        | Setting::KeepAliveInterval
        | Setting::KeepAliveCount
        | Setting::UserTimeout
        | Setting::UrgentInline
        | Setting::SendBuffer
        | Setting::RecvBuffer
        | Setting::Mss
        | Setting::QuickAck
        | Setting::Dscp
        | Setting::Ttl => Some(format!("set:{}", setting.name())),
    }
}
