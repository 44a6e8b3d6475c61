//! Drills played through the keyboard at 80×24: the right actions bring users back, and are worth what the journal says of them.

use pilothouse::{plan::entry::What, resources::Severity};

use super::drill::Drill;

const FAULT: i64 = 25;

fn told(drill: &Drill) -> Vec<&'static str> {
    let words = drill.journal.iter();
    words
        .map(|entry| pilothouse::report::journal::words(&entry.what).0)
        .collect()
}

#[test]
fn region_down_is_scaled_drained_and_failed_over_and_users_are_back() {
    let mut drill = Drill::acting("region-down", 0);
    let calm = drill.success();
    let detected = drill
        .first(200, |drill| drill.severity("us-east-1") == Severity::Bad)
        .unwrap();
    println!(
        "detected after {} s; success {:.4}",
        detected - FAULT,
        drill.success()
    );
    drill.command("arm us-east-1 is gone, incident 4711");
    drill.act("scale-receivers us-east-1", &[]);
    println!("scale: {}", drill.phase());
    // The raise is verified; its nodes come while the next steps are taken.
    let waits = |drill: &Drill| drill.phase().contains("Waiting");
    drill.first(drill.second() + 120, waits);
    println!("scale: {} at {}", drill.phase(), drill.second());
    drill.press("n n");
    drill.advance(1);
    println!("scale: {} at {}", drill.phase(), drill.second());
    println!("screen\n{}", drill.screen(80, 24));
    drill.plan("drain-region us-east-1 now");
    println!("drain blocked by {:?}", drill.obstacles());
    drill.act("drain-region us-east-1 now", &["G-CAP", "G-HEALTH"]);
    let waits = |drill: &Drill| drill.phase().contains("Waiting");
    drill.first(drill.second() + 200, waits);
    println!("drain: {} at {}", drill.phase(), drill.second());
    drill.press("n");
    drill.advance(1);
    println!("drain: {} at {}", drill.phase(), drill.second());
    drill.plan("failover shop-global to=eu-west-1");
    println!("failover blocked by {:?}", drill.obstacles());
    drill.act("failover shop-global to=eu-west-1", &[]);
    println!("failover: {:?}", drill.run_out(600));
    println!("at {} success {:.4}", drill.second(), drill.success());
    drill.plan("fail-over-cache ldgnf-sessions to=eu-west-1");
    println!("cache blocked by {:?}", drill.obstacles());
    drill.act("fail-over-cache ldgnf-sessions to=eu-west-1", &["G-QUORUM"]);
    println!("cache: {:?}", drill.run_out(600));
    for _ in 0..30 {
        println!(
            "at {} success {:.5} calm {calm:.5}",
            drill.second(),
            drill.success()
        );
        drill.advance(30);
    }
    println!("{:?}", told(&drill));
}

#[test]
fn explore_more() {
    fn show(drill: &mut Drill, typed: &str) {
        drill.plan(typed);
        println!(
            "=== {} `{typed}`: {:?} blocked {:?}",
            drill.second(),
            drill.notice(),
            drill.blocked_by()
        );
        match &drill.state.conduct.draft {
            Some(draft) if draft.plan.intent.action == typed.split(' ').next().unwrap() => {
                for step in &draft.plan.steps {
                    println!("  {}", step.title);
                }
                for o in drill.obstacles() {
                    println!("  {}", o.chars().take(300).collect::<String>());
                }
            }
            _ => println!("  refused {}", drill.refusal()),
        }
        drill.press("esc");
    }
    let all = |drill: &Drill, part: &str| {
        let action = pilothouse::actions::find("shift-weights").ok().unwrap();
        let mut t = action.targets(&drill.state.fleet, &drill.state.conduct.ledger);
        t.retain(|t| t.contains(part));
        t
    };
    let mut drill = Drill::acting("bad-canary", 170);
    drill.command("arm x");
    let canary = all(&drill, "shop-canary");
    println!("{canary:?} {:?}", all(&drill, "api.shop"));
    let mine: Vec<_> = canary
        .iter()
        .filter(|t| t.contains("ap-southeast-1"))
        .cloned()
        .collect();
    for t in mine.iter().take(2) {
        show(&mut drill, &format!("shift-weights {t} percent=0"));
    }
    let mut drill = Drill::acting("stale-telemetry", 420);
    drill.command("arm x");
    for a in [
        "drain-region eu-west-1",
        "drain-region us-east-1",
        "drain-region ap-southeast-1",
        "switchover shop-global to=eu-west-1",
        "failover shop-global to=eu-west-1",
    ] {
        show(&mut drill, a);
    }
    let mut drill = Drill::acting("partial-failure", 200);
    drill.command("arm x");
    show(&mut drill, "drain-region eu-west-1");
    let mut drill = Drill::acting("calm", 100);
    drill.command("arm x");
    show(
        &mut drill,
        "shift-weights api.shop.example. A/eu-west-1 weights=us-east-1:0,eu-west-1:0,ap-southeast-1:0",
    );
    show(
        &mut drill,
        "shift-weights api.shop.example. A weights=us-east-1:0,eu-west-1:0,ap-southeast-1:0",
    );
    show(
        &mut drill,
        "shift-weights api.shop.example. A/eu-west-1 percent=20",
    );
    show(
        &mut drill,
        "shift-weights api.shop.example. A/eu-west-1 percent=0",
    );
    let mut drill = Drill::acting("calm", 100);
    drill.command("arm x");
    drill.act("drain-region ap-southeast-1", &[]);
    println!("drain ap: {:?} {}", drill.run_out(3000), drill.second());
    drill.command("arm x");
    show(&mut drill, "drain-region eu-west-1");
    show(&mut drill, "drain-region eu-west-1 now");
    show(&mut drill, "drain-region ap-southeast-1");
    show(&mut drill, "restore-region ap-southeast-1");
    let mut drill = Drill::acting("throttled-route53", 90);
    drill.command("arm x");
    show(
        &mut drill,
        "shift-weights api.shop.example. A/eu-west-1 percent=20",
    );
    drill.act(
        "shift-weights api.shop.example. A/eu-west-1 percent=20",
        &[],
    );
    println!("throttled: {:?} {:?}", drill.run_out(600), drill.sent.len());
    let mut drill = Drill::acting("concurrent-operator", 100);
    drill.command("arm x");
    drill.act(
        "shift-weights api.shop.example. A/eu-west-1 percent=10",
        &[],
    );
    println!(
        "concurrent: {:?} at {} sent {:?}",
        drill.run_out(1200),
        drill.second(),
        drill.sent.len()
    );
    let mut drill = Drill::acting("database-failure", 400);
    drill.command("arm x");
    drill.act("promote-replica orders-eu-west-1", &["G-LAG"]);
    println!("promote: {:?} at {}", drill.run_out(1200), drill.second());
    for entry in &drill.journal {
        if let What::Held { why } = &entry.what {
            println!("{why}");
        }
    }
}

#[test]
fn a_planned_drain_and_its_restore_leave_the_world_as_it_was() {
    let mut drill = Drill::acting("calm", 100);
    let before = drill.truth(Clone::clone);
    drill.command("arm planned maintenance");
    drill.act("scale-receivers eu-west-1", &[]);
    println!("scale: {:?}", drill.run_out(900));
    println!("nodes {:?}", drill.truth(|w| w.nodes.clone()));
    drill.advance(150);
    drill.plan("drain-region eu-west-1");
    println!("drain blocked {:?}", drill.obstacles());
    drill.act("drain-region eu-west-1", &[]);
    println!("drain: {:?}", drill.run_out(3_600));
    let reminders = drill.state.conduct.reminders(drill.state.now);
    println!("{reminders:?}");
    println!("{}", drill.screen(80, 24));
    drill.command("arm bring it back");
    drill.plan("restore-region eu-west-1");
    println!("restore blocked {:?}", drill.obstacles());
    drill.act("restore-region eu-west-1", &[]);
    println!("restore: {:?}", drill.run_out(7_200));
    drill.command("arm give the nodes back");
    drill.press("u");
    println!("{}", drill.screen(80, 24));
    let scale = drill.state.conduct.ledger.runs[0].id.clone();
    drill.plan(&format!("undo {scale}"));
    println!("undo blocked {:?} {}", drill.obstacles(), drill.refusal());
    drill.act(&format!("undo {scale}"), &[]);
    println!("undo: {:?}", drill.run_out(3_600));
    let after = drill.truth(Clone::clone);
    println!("{:?}\n{:?}", before.nodes, after.nodes);
    println!("{:?}\n{:?}", before.routing, after.routing);
}
