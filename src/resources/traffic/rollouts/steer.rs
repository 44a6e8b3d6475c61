//! What each way of steering a rollout expects, changes, and looks like once it is done (domain B.3). Owns no call; never whether it is safe.

use serde::{Deserialize, Serialize};

use super::{Rollout, RolloutName, Tool};
use crate::resources::{
    RegionLabel,
    change::{Edit, Standing},
};

/// A way to steer a rollout.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// To the next step.
    Promote,
    /// To the end, past all steps and analyses.
    PromoteFull,
    /// Hold where it is.
    Pause,
    /// Go on after a hold.
    Resume,
    /// Give everything back to the stable version.
    Abort,
    /// Begin again after an abort.
    Retry,
    /// Put the specification of the stable version back.
    Undo,
    /// Give it another version: another image in its own template.
    Image(Box<Image>),
}

/// Another image of a container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Image {
    /// The container.
    pub container: String,
    /// The image that is expected.
    pub from: String,
    /// The one that it will be.
    pub to: String,
}

impl Verb {
    /// Those that need nothing but their word.
    pub const ALL: [Self; 7] = [
        Self::Promote,
        Self::PromoteFull,
        Self::Pause,
        Self::Resume,
        Self::Abort,
        Self::Retry,
        Self::Undo,
    ];

    /// The word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::PromoteFull => "promote-full",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Abort => "abort",
            Self::Retry => "retry",
            Self::Undo => "undo",
            Self::Image(_) => "image",
        }
    }

    /// Whether it edits the specification, which an owner of the object puts back; the others speak to the controller through the status.
    pub fn edits_specification(&self) -> bool {
        match self {
            Self::Pause | Self::Resume | Self::Undo | Self::Image(_) => true,
            Self::Promote | Self::PromoteFull | Self::Abort | Self::Retry => false,
        }
    }

    /// Whether more users get a new version by it.
    pub fn raises(&self) -> bool {
        match self {
            Self::Promote | Self::PromoteFull | Self::Resume | Self::Retry | Self::Image(_) => true,
            Self::Pause | Self::Abort | Self::Undo => false,
        }
    }
}

/// A way to steer one rollout, with the state that is expected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Steering {
    /// Where the cluster is.
    pub region: RegionLabel,
    /// Which object.
    pub rollout: RolloutName,
    /// How.
    pub verb: Verb,
    /// The step that it is expected at.
    pub step: Option<u32>,
    /// How many steps there are.
    pub steps: u32,
    /// The version that is expected to go out, by its hash.
    pub current: String,
    /// The version that is expected to be stable.
    pub stable: String,
}

/// Before → after.
pub fn edit(steering: &Steering) -> Edit {
    let Steering {
        verb,
        step,
        steps,
        current,
        stable,
        ..
    } = steering;
    let what = format!("{} {}", verb.name(), steering.rollout.object());
    let at = step.map_or("no step".to_owned(), |step| {
        format!("step {} of {steps}", (step + 1).min(*steps))
    });
    match verb {
        Verb::Promote => {
            let next = step.map_or("the end".to_owned(), |step| {
                if step + 1 >= *steps {
                    "all steps done".to_owned()
                } else {
                    format!("step {} of {steps}", step + 2)
                }
            });
            Edit::new(what, at, next)
        }
        Verb::PromoteFull => Edit::new(what, at, format!("{current} is stable")),
        Verb::Pause => Edit::new(what, "runs", "held"),
        Verb::Resume => Edit::new(what, "held", "runs"),
        Verb::Abort => Edit::new(what, at, format!("all to {stable}")),
        Verb::Retry => Edit::new(what, "aborted", "step 1"),
        Verb::Undo => Edit::new(what, current, stable),
        Verb::Image(image) => Edit::new(what, &image.from, &image.to),
    }
}

/// What takes it back.
pub fn inverse(steering: &Steering) -> Result<Steering, &'static str> {
    let verb = match &steering.verb {
        Verb::Image(image) => Verb::Image(Box::new(Image {
            container: image.container.clone(),
            from: image.to.clone(),
            to: image.from.clone(),
        })),
        Verb::Pause => Verb::Resume,
        Verb::Resume => Verb::Pause,
        Verb::Abort => Verb::Retry,
        Verb::Retry => Verb::Abort,
        Verb::Promote => {
            return Err("a step that was taken is not taken back by itself: abort the rollout");
        }
        Verb::PromoteFull => return Err("the new version is stable: release the old one again"),
        Verb::Undo => {
            return Err("the specification is the old one: release the new version again");
        }
    };
    Ok(Steering {
        verb,
        ..steering.clone()
    })
}

/// Where a rollout stands with regard to a change of it.
pub fn standing(steering: &Steering, seen: &Rollout) -> Standing {
    let object = steering.rollout.object();
    if !seen.observed {
        return Standing::Underway(format!(
            "the controller has not seen the newest {object} yet"
        ));
    }
    // What gives it another template makes another version of it, and a pause holds whatever it has.
    let any = match &steering.verb {
        Verb::Undo | Verb::Image(_) | Verb::Pause | Verb::Resume => true,
        Verb::Promote | Verb::PromoteFull | Verb::Abort | Verb::Retry => false,
    };
    let another = seen.current != steering.current && !any;
    if another && seen.name.tool == Tool::ArgoRollouts {
        return Standing::Other(format!("{object} sends out {} by now", seen.current));
    }
    match &steering.verb {
        Verb::Image(image) => of_image(image, seen),
        Verb::Pause => of_flag(seen.suspended),
        Verb::Resume => of_flag(!seen.suspended),
        Verb::Promote => promoted(steering, seen),
        Verb::PromoteFull if seen.stable == seen.current => Standing::After,
        Verb::PromoteFull if seen.full => {
            Standing::Underway(format!("{object} goes to the end: {}", seen.words()))
        }
        Verb::PromoteFull if seen.aborted => Standing::Other(format!("{object} was aborted")),
        Verb::PromoteFull => Standing::Before,
        Verb::Abort if seen.aborted && seen.weight > 0.0 => {
            Standing::Underway(format!("{object} still sends {} % to it", seen.weight))
        }
        Verb::Abort if seen.stable == seen.current => {
            Standing::Other(format!("{object} sends nothing out any more"))
        }
        Verb::Abort => of_flag(seen.aborted),
        Verb::Retry => of_flag(!seen.aborted),
        Verb::Undo if seen.current == steering.stable => Standing::After,
        Verb::Undo if seen.current == steering.current => Standing::Before,
        Verb::Undo => Standing::Other(format!("{object} sends out {} by now", seen.current)),
    }
}

fn of_flag(done: bool) -> Standing {
    if done {
        Standing::After
    } else {
        Standing::Before
    }
}

/// What its template names. One that is paused takes it, and does not send it out.
fn of_image(image: &Image, seen: &Rollout) -> Standing {
    let object = seen.name.object();
    if seen.suspended {
        return Standing::Other(format!("{object} is paused: resume it first"));
    }
    let own = seen.image.as_ref();
    let named = own.filter(|own| own.name == image.container);
    Standing::of_value(
        &format!("the container {} of {object}", image.container),
        named.map(|own| &own.image),
        &image.from,
        &image.to,
    )
}

/// One step further, or at the end.
fn promoted(steering: &Steering, seen: &Rollout) -> Standing {
    let object = steering.rollout.object();
    if seen.aborted {
        return Standing::Other(format!("{object} was aborted"));
    }
    if seen.stable == seen.current {
        return Standing::After;
    }
    match (steering.step, seen.step) {
        (Some(from), Some(now)) if now > from => Standing::After,
        (Some(from), Some(now)) if now < from => {
            Standing::Other(format!("{object} is at step {} again", now + 1))
        }
        (Some(_) | None, Some(_) | None) => Standing::Before,
    }
}
