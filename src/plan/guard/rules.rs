//! Which rule judges which guard.

use super::{
    Guard, GuardId, admission, answers, busy, cost, health, lag, outlook::Outlook, quorum,
    receivers, residency, sample, session, snapshot, soak, stores, traffic, writers,
};

/// Judges one guard.
pub fn judge(id: GuardId, outlook: &Outlook<'_>) -> Guard {
    match id {
        GuardId::Last => outlook.last.clone().guard(id, "moves no traffic"),
        GuardId::Zero => outlook.zero.clone().guard(id, "changes no weights"),
        GuardId::Split => writers::split(outlook),
        GuardId::Blast => traffic::blast(outlook),
        GuardId::Owner => traffic::owner(outlook),
        GuardId::Capacity => receivers::capacity(outlook),
        GuardId::Health => health::health(outlook),
        GuardId::Alarm => receivers::alarm(outlook),
        GuardId::Stale => snapshot::stale(outlook),
        GuardId::Lag => lag::lag(outlook),
        GuardId::Writer => stores::writer(outlook),
        GuardId::Lock => busy::lock(outlook),
        GuardId::Freeze => session::freeze(outlook),
        GuardId::Credentials => snapshot::credentials(outlook),
        GuardId::Clock => snapshot::clock(outlook),
        GuardId::Abort => receivers::abort(outlook),
        GuardId::Quorum => quorum::quorum(outlook),
        GuardId::Residency => residency::residency(outlook),
        GuardId::Sample => sample::sample(outlook),
        GuardId::Soak => soak::soak(outlook),
        GuardId::Version => stores::version(outlook),
        GuardId::Admission => admission::admission(outlook),
        GuardId::ControlPlane => session::control_plane(outlook),
        GuardId::Step => traffic::step(outlook),
        GuardId::Ttl => traffic::ttl(outlook),
        GuardId::TargetHealth => answers::target_health(outlook),
        GuardId::Return => answers::comes_back(outlook),
        GuardId::Orphan => session::orphan(outlook),
        GuardId::Work => stores::work(outlook),
        GuardId::Cost => cost::cost(outlook),
    }
}
