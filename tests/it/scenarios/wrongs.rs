//! Wrong actions at the keyboard, and what stops each of them.

use pilothouse::{
    plan::{Verdict, entry::What},
    sim::world::Transition,
};

use super::drill::Drill;

fn armed(name: &str, second: i64) -> Drill {
    let mut drill = Drill::acting(name, second);
    drill.command("arm drill 4711");
    drill
}

/// The verdict of a guard of the plan.
fn verdict(drill: &Drill, name: &str) -> Option<Verdict> {
    let draft = drill.state.conduct.draft.as_ref()?;
    let found = draft.guards.iter().find(|guard| guard.id.name() == name);
    found.map(|guard| guard.verdict)
}

/// Whatever is overridden by name, it is not sent, and the journal says that it was refused, and why.
fn stays_stopped(drill: &mut Drill, by: &str) {
    let blocked: Vec<String> = drill.blocked_by();
    assert!(blocked.contains(&by.to_owned()), "{by} of {blocked:?}");
    for guard in &blocked {
        drill.command(&format!("override {guard} I know better"));
    }
    assert!(
        drill.blocked_by().contains(&by.to_owned()),
        "{by} is overridden"
    );
    drill.confirm();
    drill.advance(30);
    assert!(drill.sent.is_empty() || drill.state.conduct.active().next().is_none());
    let why = &drill.refusals()[0];
    assert!(why.contains(by), "{why}");
}

#[test]
fn a_switchover_with_a_dead_primary_is_no_plan() {
    let mut drill = armed("region-down", 120);
    drill.plan("switchover shop-global");
    assert!(drill.state.conduct.draft.is_none());
    let text = drill.refusal();
    assert!(
        text.contains("us-east-1, where the writer is, does not answer"),
        "{text}"
    );
    assert!(text.contains("plan `failover shop-global`"), "{text}");
    assert!(drill.screen(80, 24).contains("No plan for switchover"));
    assert!(drill.sent.is_empty());
}

#[test]
fn a_promotion_while_the_old_writer_takes_writes_is_stopped_for_good() {
    for (name, second, typed) in [
        ("partition", 160, "promote-replica orders-eu-west-1"),
        ("partition", 160, "failover shop-global to=eu-west-1"),
        ("partition", 400, "failover shop-global to=ap-southeast-1"),
        ("complete-outage", 150, "failover shop-global to=eu-west-1"),
        (
            "replication-conflict",
            120,
            "failover shop-global to=eu-west-1",
        ),
        ("calm", 100, "failover shop-global to=eu-west-1"),
        ("calm", 100, "promote-replica orders-ap-southeast-1"),
        ("database-failure", 50, "failover shop-global"),
        ("stale-telemetry", 420, "failover shop-global to=eu-west-1"),
    ] {
        let mut drill = armed(name, second);
        drill.plan(typed);
        assert_eq!(
            verdict(&drill, "G-SPLIT"),
            Some(Verdict::Fail),
            "{name} {typed}"
        );
        stays_stopped(&mut drill, "G-SPLIT");
        assert!(drill.sent.is_empty());
    }
}

#[test]
fn the_better_secondary_is_chosen_and_the_worse_one_is_said_to_be_worse() {
    let mut drill = armed("region-down", 100);
    drill.plan("failover shop-global");
    let draft = drill.state.conduct.draft.clone().unwrap();
    assert!(
        draft.plan.title.contains("over to eu-west-1"),
        "{}",
        draft.plan.title
    );
    drill.press("esc");
    drill.plan("failover shop-global to=ap-southeast-1");
    let draft = drill.state.conduct.draft.clone().unwrap();
    let said = draft
        .plan
        .remarks
        .iter()
        .find(|remark| remark.starts_with("not taken: eu-west-1"));
    assert!(said.is_some(), "{:?}", draft.plan.remarks);
    // Nothing but the words about the loss stands between this and the world.
    assert_eq!(draft.plan.loss_phrase, "accept data loss");
    drill.press("c");
    drill.write_keys("shop-global");
    drill.write_keys("y");
    drill.advance(30);
    assert!(drill.sent.is_empty());
}

#[test]
fn a_crashed_writer_that_its_cluster_replaces_needs_nothing() {
    let mut drill = armed("database-failure", 50);
    drill.plan("promote-replica shop-us-east-1");
    assert!(
        drill.refusal().contains("failing over right now"),
        "{}",
        drill.refusal()
    );
    drill.press("esc");
    drill.plan("switchover shop-global");
    assert!(
        drill.refusal().contains("failing-over"),
        "{}",
        drill.refusal()
    );
}

#[test]
fn no_region_is_drained_while_every_region_is_down() {
    for typed in [
        "drain-region eu-west-1 now",
        "drain-region us-east-1",
        "drain-region us-east-1 now",
    ] {
        let mut drill = armed("complete-outage", 150);
        drill.plan(typed);
        assert_eq!(verdict(&drill, "G-LAST"), Some(Verdict::Fail), "{typed}");
        stays_stopped(&mut drill, "G-LAST");
        assert!(drill.sent.is_empty());
    }
}

#[test]
fn the_last_region_is_never_drained() {
    let mut drill = armed("calm", 100);
    drill.command("arm drill 4711");
    drill.act("drain-region ap-southeast-1 now", &[]);
    let (phase, _) = drill.run_out(1_500);
    assert!(phase.starts_with("done: "), "{phase}");
    // A second one only while the others have room, and nobody can say otherwise.
    drill.command("arm drill 4711");
    drill.plan("drain-region eu-west-1 now");
    stays_stopped(&mut drill, "G-BLAST");
    drill.press("esc");
    // Somebody else closes it all the same.
    for transition in [
        Transition::Weights(vec![(1, 0)]),
        Transition::Control {
            region: 1,
            on: false,
        },
        Transition::Dial {
            region: 1,
            percent: 0.0,
        },
    ] {
        drill.world().change(&transition).unwrap();
    }
    drill.advance(90);
    let before = drill.sent.len();
    drill.command("arm drill 4711");
    drill.plan("drain-region us-east-1 now");
    // Not even a plan: the panel and the accelerator have nobody else.
    let draft = drill.state.conduct.draft.as_ref();
    assert!(draft.is_none_or(|draft| draft.plan.intent.target != "us-east-1"));
    let text = drill.refusal();
    assert!(
        text.contains("no other routing control of the panel is On"),
        "{text}"
    );
    assert!(
        text.contains("no other endpoint group of it takes traffic"),
        "{text}"
    );
    assert_eq!(drill.sent.len(), before);
    assert!(drill.success() > 0.3, "{}", drill.success());
}

#[test]
fn weights_that_are_all_zero_are_no_plan() {
    let mut drill = armed("calm", 100);
    drill
        .plan("shift-weights api.shop.example. A weights=us-east-1:0,eu-west-1:0,ap-southeast-1:0");
    assert!(drill.state.conduct.draft.is_none());
    assert!(
        drill
            .refusal()
            .contains("all weights of api.shop.example. A would be 0")
    );
    drill.press("esc");
    drill.plan("shift-weights api.shop.example. A weights=us-east-1:256");
    assert!(
        drill.state.conduct.draft.is_none(),
        "{:?}",
        drill.blocked_by()
    );
    assert!(drill.sent.is_empty());
}

#[test]
fn pasted_text_enter_and_what_is_typed_ahead_confirm_nothing() {
    let mut drill = armed("calm", 100);
    drill.plan("drain-region ap-southeast-1");
    let phrase = drill.state.conduct.draft.clone().unwrap().plan.phrase;
    let dropped = drill.dropped;
    drill.press("c");
    assert!(drill.asks());
    assert_eq!(
        drill.dropped,
        dropped + 1,
        "what was typed ahead is forgotten"
    );
    drill.paste(&phrase);
    drill.press("y enter enter");
    drill.advance(5);
    assert!(drill.state.conduct.runs.is_empty(), "{}", drill.phase());
    drill.press("esc c");
    drill.write_keys(&phrase);
    assert_eq!(
        drill.dropped,
        dropped + 3,
        "and once more before the last key"
    );
    drill.press("enter enter");
    drill.paste("y");
    drill.advance(5);
    assert!(drill.state.conduct.runs.is_empty(), "{}", drill.phase());
    // The wrong phrase, and then `y`.
    drill.press("esc c");
    drill.write_keys("eu-west-1 31%y");
    drill.advance(5);
    assert!(drill.state.conduct.runs.is_empty() && drill.sent.is_empty());
}

#[test]
fn a_plan_that_is_too_old_or_that_nobody_armed_for_is_not_confirmed() {
    let mut drill = armed("calm", 100);
    drill.plan("drain-region ap-southeast-1");
    drill.advance(121);
    drill.confirm();
    assert!(!drill.asks());
    assert!(
        drill.refusals()[0].contains("the plan has expired"),
        "{:?}",
        drill.refusals()
    );
    // It expires under the fingers too.
    drill.press("r");
    drill.advance(100);
    drill.press("c");
    assert!(drill.asks(), "{:?}", drill.obstacles());
    drill.advance(21);
    let phrase = drill.state.conduct.draft.clone().unwrap().plan.phrase;
    drill.write_keys(&phrase);
    drill.press("y");
    drill.advance(5);
    assert!(drill.sent.is_empty(), "{}", drill.phase());
    assert!(
        drill.refusals()[0].contains("the plan has expired"),
        "{:?}",
        drill.refusals()
    );
    drill.press("r");
    drill.command("disarm");
    drill.advance(5);
    // A drain of this size is close to the limit: the load of the minute decides.
    drill.command("override G-CAP a loud minute");
    drill.press("c");
    assert!(
        drill.asks(),
        "it is asked why first: {:?}",
        drill.obstacles()
    );
    assert!(drill.sent.is_empty() && drill.state.conduct.runs.is_empty());
}

#[test]
fn who_is_not_armed_is_asked_why_first_and_neither_enter_nor_paste_answers() {
    let mut drill = Drill::acting("calm", 100);
    drill.plan("drain-region ap-southeast-1");
    let phrase = drill.state.conduct.draft.clone().unwrap().plan.phrase;
    drill.press("c enter y enter");
    drill.paste("arm pasted");
    drill.press("enter");
    drill.write_keys(&phrase);
    drill.press("enter y");
    assert!(drill.asks() && drill.state.conduct.armed.is_none());
    drill.press("esc c");
    drill.write_keys("arm ");
    drill.press("enter");
    assert!(drill.state.conduct.armed.is_none(), "without a reason");
    drill.write_keys("maintenance");
    let dropped = drill.dropped;
    drill.press("enter");
    assert!(drill.state.conduct.armed.is_some() && drill.asks());
    assert_eq!(
        drill.dropped,
        dropped + 1,
        "what was typed ahead is forgotten"
    );
    assert!(drill.state.conduct.runs.is_empty());
    drill.write_keys(&phrase);
    drill.press("y");
    drill.advance(2);
    assert_eq!(
        drill.state.conduct.active().count(),
        1,
        "{}",
        drill.notice()
    );
    // `--read-only` is asked nothing.
    let mut drill = Drill::acting("calm", 100);
    drill.state.conduct.read_only = true;
    drill.plan("drain-region ap-southeast-1");
    drill.press("c");
    assert!(!drill.asks());
    assert!(drill.notice().contains("read-only"), "{}", drill.notice());
}

#[test]
fn disarmed_in_the_middle_a_run_sends_nothing_more() {
    let mut drill = armed("calm", 100);
    drill.act("drain-region ap-southeast-1", &[]);
    let waits = |drill: &Drill| drill.phase().contains("Waiting");
    drill.first(drill.second() + 200, waits).unwrap();
    assert_eq!(drill.sent.len(), 1);
    drill.command("disarm");
    let (phase, _) = drill.run_out(900);
    assert!(phase.contains("not armed"), "{phase}");
    drill.advance(600);
    assert_eq!(drill.sent.len(), 1);
}

#[test]
fn nothing_is_sent_without_the_journal_or_the_lock() {
    let mut drill = armed("calm", 100);
    drill.locked_by = Some("panel is held by ana (1000)".to_owned());
    drill.act("drain-region ap-southeast-1 now", &[]);
    assert_eq!(drill.run_out(60).0, "refused: panel is held by ana (1000)");
    drill.locked_by = None;
    drill.plan("drain-region ap-southeast-1 now");
    drill.disk_full = Some("no space left on device".to_owned());
    drill.confirm();
    drill.advance(2);
    assert!(drill.phase().contains("no space left"), "{}", drill.phase());
    assert!(drill.sent.is_empty());
    drill.plan("drain-region ap-southeast-1 now");
    drill.confirm();
    assert!(
        drill
            .obstacles()
            .iter()
            .any(|text| text.contains("no space left"))
    );
    // The disk fills up between two changes: the second is not sent.
    let mut drill = armed("calm", 100);
    drill.act("drain-region ap-southeast-1 now", &[]);
    drill
        .first(drill.second() + 30, |drill| drill.sent.len() == 1)
        .unwrap();
    drill.disk_full = Some("no space left on device".to_owned());
    let (phase, _) = drill.run_out(200);
    assert!(phase.contains("no space left"), "{phase}");
    assert_eq!(drill.sent.len(), 1);
}

#[test]
fn a_plan_on_which_somebody_else_acted_is_stopped_and_made_again() {
    let mut drill = armed("calm", 100);
    let weights = "shift-weights api.shop.example. A/eu-west-1 percent=20";
    drill.plan(weights);
    drill
        .world()
        .change(&Transition::Weights(vec![(1, 40)]))
        .unwrap();
    // The next poll of the records shows it, well before the plan expires.
    drill.advance(75);
    drill.confirm();
    assert!(drill.refusals()[0].contains("40"), "{:?}", drill.refusals());
    assert!(drill.sent.is_empty());
    // It changes between the confirmation and the change: the read before it shows it, or Route 53 refuses the batch.
    drill.plan(weights);
    drill.press("c");
    let phrase = drill.state.conduct.draft.clone().unwrap().plan.phrase;
    drill.write_keys(&phrase);
    drill
        .world()
        .change(&Transition::Weights(vec![(1, 55)]))
        .unwrap();
    drill.press("y");
    let (phase, _) = drill.run_out(120);
    assert!(phase.starts_with("halted at step 1"), "{phase}");
    assert_eq!(drill.truth(|world| world.routing.weights[1]), 55);
    let unharmed = drill.sent.iter().all(|sent| sent.result.is_err());
    assert!(unharmed, "{:?}", drill.sent);
    drill.press("X s");
    drill.advance(2);
    drill.act(weights, &[]);
    let (phase, _) = drill.run_out(1_500);
    assert!(phase.starts_with("done: "), "{phase}");
    let ended = drill
        .journal
        .iter()
        .filter(|entry| matches!(entry.what, What::Ended { .. }));
    assert_eq!(ended.count(), 2);
}

#[test]
fn beside_a_drain_no_second_region_is_drained_and_nothing_is_moved_into_the_first() {
    let mut drill = armed("region-down", 120);
    drill.plan("drain-region us-east-1 now");
    for guard in drill.blocked_by() {
        drill.command(&format!("override {guard} users are there already"));
    }
    drill.confirm();
    drill.advance(1);
    let first = drill.state.conduct.shown().unwrap().id.clone();
    assert_eq!(
        drill.state.conduct.active().count(),
        1,
        "{:?}",
        drill.refusals()
    );
    drill.plan("drain-region ap-southeast-1 now");
    assert_eq!(verdict(&drill, "G-BLAST"), Some(Verdict::Fail));
    for guard in drill.blocked_by() {
        drill.command(&format!("override {guard} I know better"));
    }
    drill.confirm();
    drill.advance(5);
    let why = drill.refusals()[0].clone();
    assert!(why.contains("G-BLAST FAIL"), "{why}");
    let told = format!("run {first} (");
    assert!(why.contains(&told) && why.contains("more: both"), "{why}");
    assert!(why.contains("stop it (:runs)"), "{why}");
    assert_eq!(drill.state.conduct.active().count(), 1);
    // What the drain itself holds is released when it is over, and not before.
    drill.press("esc u");
    assert!(drill.screen(80, 24).contains("In hand"));
    drill.press("enter");
    assert!(drill.screen(80, 24).contains(&format!("run {first}")));
}
