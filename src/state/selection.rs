//! Which pane has the keys, which row is selected, and in which order rows stand. Owns how the selection follows its row from poll to poll; moves nothing itself.

use super::{Screen, State};
use crate::{
    facts::Facts,
    glyph::Mark,
    resources::{Kind, cell::RowId, shown},
    ui::layout,
};

/// As many alerts are kept; more than a drill has.
const ALERTS: usize = 1_000;

/// The ARN that names a model itself: its own field, or that of the variant in it; the narrowest, where it stands for several things.
fn arn_in(model: &serde_json::Value) -> Option<&str> {
    const NAMES: [&str; 5] = [
        "arn",
        "rule_arn",
        "group_arn",
        "alias_arn",
        "load_balancer_arn",
    ];
    let fields = model.as_object()?;
    let own = NAMES.iter().find_map(|name| fields.get(*name)?.as_str());
    let variants = || fields.values().find_map(arn_in);
    own.filter(|arn| arn.starts_with("arn:")).or_else(variants)
}

impl State {
    /// The pane that has the keys.
    pub fn active(&self) -> Kind {
        match &self.screen {
            Screen::Home | Screen::Page(..) => self.focus,
            Screen::Zoom(kind) => *kind,
            Screen::Detail(id, _) => id.kind,
        }
    }

    /// The selected row of the active pane, or the row whose detail is shown.
    pub fn selected(&self) -> Option<RowId> {
        match &self.screen {
            Screen::Detail(id, _) => Some(id.clone()),
            Screen::Page(..) => None,
            Screen::Home | Screen::Zoom(_) => {
                let pane = self.pane(self.active())?;
                shown::id(self.shown(), self.active(), pane.order.get(pane.cursor)?)
            }
        }
    }

    /// The ARN of a row, where its model has one.
    pub fn arn(&self, id: &RowId) -> Option<String> {
        if id.key.starts_with("arn:") {
            return Some(id.key.clone());
        }
        let row = shown::find(self.shown(), id)?;
        let model = shown::json(self.shown(), id.kind, &row)?;
        arn_in(&model).map(str::to_owned)
    }

    /// What the layout needs to know.
    pub fn needs(&self, facts: &Facts) -> layout::Needs {
        layout::Needs {
            tour: self.tour.is_some(),
            ..layout::Needs::of(self.shown(), facts)
        }
    }

    /// The kinds that have a pane on the home screen, in reading order.
    pub(super) fn home_kinds(&self) -> Vec<Kind> {
        layout::of(self.size, self.needs(&self.facts))
            .panes
            .into_iter()
            .map(|(kind, _)| kind)
            .collect()
    }

    /// Brings the order of the visible panes up to date and lets the selection follow its row.
    pub fn settle(&mut self) {
        if !std::mem::take(&mut self.unsettled) {
            return;
        }
        self.settled += 1;
        self.facts = self.facts.current(self.shown()).into_owned();
        let worst = matches!(self.facts.worst(), Mark::Warn(_) | Mark::Bad(_));
        let alarmed = worst || !self.facts.contradictions.is_empty();
        if alarmed && !self.alarmed && self.alerts.len() < ALERTS {
            self.alerts.push(self.now);
        }
        self.alarmed = alarmed;
        let mark = |overdue| {
            if overdue {
                Mark::Warn(false)
            } else {
                Mark::Unknown
            }
        };
        let reminders = self.conduct.reminders(self.now).into_iter();
        self.facts.reminders = reminders
            .map(|reminder| (mark(reminder.overdue), reminder.text))
            .collect();
        self.facts.runs = self.conduct.in_short(self.now);
        let kinds = match &self.screen {
            Screen::Home => self.home_kinds(),
            Screen::Zoom(kind) => vec![*kind],
            Screen::Detail(id, _) => vec![id.kind],
            Screen::Page(..) => Vec::new(),
        };
        for kind in kinds {
            // Not `shown`: the panes are borrowed beside it.
            let frozen = self.frozen.as_deref();
            let fleet = frozen.map_or(&self.fleet, |frozen| &frozen.fleet);
            let pane = self.panes.entry(kind).or_default();
            pane.order.renew(fleet, kind, pane.sort, &pane.filter);
            let selected = pane.selected.as_ref().and_then(|id| shown::find(fleet, id));
            let found = selected.and_then(|row| pane.order.iter().position(|other| *other == row));
            pane.cursor = found
                .unwrap_or(pane.cursor)
                .min(pane.order.len().saturating_sub(1));
        }
    }

    /// Makes the row under the cursor the one that is followed from poll to poll.
    pub(super) fn follow(&mut self) {
        let selected = self.selected();
        let kind = self.active();
        if let Some(pane) = self.panes.get_mut(&kind) {
            pane.selected = selected;
        }
    }
}
