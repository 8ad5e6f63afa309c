//! What a script needs of a target, found out before it begins.

use super::Verdict;
use crate::notation::{OptionValue, Verb};
use crate::rfc::Condition;
use crate::script::{Script, Step, StepKind};
use crate::stack::{Facts, IpVersion, Setting};
use crate::wire::Flags;
use std::collections::BTreeSet;

/// The first thing that is missing: the verdict that follows, and why.
pub(super) fn missing(script: &Script, facts: &Facts, ip: IpVersion) -> Option<(Verdict, String)> {
    let cannot = |ability: &str| (Verdict::Unsupported, format!("{} cannot do {ability}", facts.name));
    if !facts.abilities.can(ability_of(ip)) {
        return Some(cannot(ability_of(ip)));
    }
    if let Some(condition) = unclaimed_options(script, facts).next() {
        let reason = format!("{} does not claim `{condition}`, which `given` asks for", facts.name);
        return Some((Verdict::NotApplicable, reason));
    }
    lacking_abilities(script, facts, ip)
        .next()
        .map(|ability| cannot(&ability))
}

/// The abilities that the script needs and the target lacks, by the words of a `runner.yaml`, in the order in which they
/// are needed. A word may come twice.
pub fn lacking_abilities<'a>(script: &'a Script, facts: &'a Facts, ip: IpVersion) -> impl Iterator<Item = String> + 'a {
    let claimed = |need: &str| facts.claims.iter().any(|claim| claim.name() == need);
    let named = script.needs.iter().filter(move |need| !claimed(need)).cloned();
    let given = script.given.iter().flat_map(|given| &given.steps);
    let of_steps = given.chain(&script.steps).flat_map(abilities_of);
    let needed = core::iter::once(ability_of(ip).to_owned()).chain(named).chain(of_steps);
    needed.filter(|need| !facts.abilities.can(need))
}

/// The conditions that the target does not claim, of the requirements that the script is about and of the options that
/// its `given` offers, each once.
pub fn lacking_claims(script: &Script, facts: &Facts) -> BTreeSet<Condition> {
    let of_steps = script.steps.iter().flat_map(|step| &step.covers);
    let conditions = script.covers.iter().chain(of_steps).filter_map(|covered| covered.when);
    let unclaimed = conditions.filter(|when| !facts.claims.contains(when));
    unclaimed.chain(unclaimed_options(script, facts)).collect()
}

const fn ability_of(ip: IpVersion) -> &'static str {
    match ip {
        IpVersion::V4 => "ipv4",
        IpVersion::V6 => "ipv6",
    }
}

/// The conditions without which the target does not take up an option that is offered on the way into a state: it is
/// another state then.
fn unclaimed_options<'a>(script: &'a Script, facts: &'a Facts) -> impl Iterator<Item = Condition> + 'a {
    let given = script.given.iter().flat_map(|given| &given.steps);
    let offered = given.filter_map(|step| match &step.kind {
        StepKind::Inject(segment) if segment.sets(Flags::SYN) => segment.options.as_deref(),
        _ => None,
    });
    let asked = offered.flatten().filter_map(|option| condition_of(&option.value));
    asked.filter(|condition| !facts.claims.contains(condition) && !facts.abilities.can(condition.name()))
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

fn abilities_of(step: &Step) -> Vec<String> {
    match &step.kind {
        StepKind::Call(call) => {
            let call = &call.call;
            let verb = verb_ability(call.verb).map(str::to_owned);
            let settings = call.settings.iter();
            let settings = settings.filter_map(|(setting, _)| setting_ability(call.verb, *setting));
            let urgent = call.urgent.then(|| "urgent".to_owned());
            verb.into_iter().chain(settings).chain(urgent).collect()
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
        | StepKind::Check(_) => Vec::new(),
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
