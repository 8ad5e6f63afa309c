//! What a script needs of a target, found out before it begins.

use super::Verdict;
use crate::notation::Verb;
use crate::script::{Script, Step, StepKind};
use crate::stack::Facts;
use crate::stack::Setting;

/// The first thing that is missing: the verdict that follows, and why.
pub(super) fn missing(script: &Script, facts: &Facts, ip: &str) -> Option<(Verdict, String)> {
    let cannot = |ability: &str| (Verdict::Unsupported, format!("{} cannot do {ability}", facts.name));
    if !facts.abilities.can(ip) {
        return Some(cannot(ip));
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
