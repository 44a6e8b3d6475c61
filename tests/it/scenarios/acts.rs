//! Drills played through the keyboard at 80×24: the right actions bring users back, the wrong ones are stopped by what should stop them.

use super::drill::Drill;

fn show(name: &str, second: i64, typed: &[&str]) {
    for typed in typed {
        let mut drill = Drill::acting(name, second);
        drill.command("arm drill");
        drill.advance(1);
        drill.command(typed);
        drill.advance(6);
        println!("=== {name}@{second} `{typed}`: notice {:?}", drill.notice());
        match &drill.state.conduct.draft {
            Some(draft) => {
                println!("phrase {:?} loss {:?}", draft.plan.phrase, draft.plan.loss_phrase);
                for remark in &draft.plan.remarks { println!("  remark {remark}"); }
                for (index, step) in draft.plan.steps.iter().enumerate() { println!("  {} {}", index + 1, step.title); }
                for guard in &draft.guards { if guard.verdict != pilothouse::plan::Verdict::Pass { println!("  {} {}: {}", guard.id.name(), guard.verdict.word(), guard.evidence); } }
                for obstacle in drill.obstacles() { println!("  OBSTACLE {obstacle}"); }
            }
            None => println!("{:?}", drill.state.dialogs.last()),
        }
    }
}

#[test]
#[ignore]
fn explore() {
    show("region-down", 70, &["scale-receivers us-east-1", "drain-region us-east-1 now", "switchover shop-global", "failover shop-global to=eu-west-1", "failover shop-global to=ap-southeast-1", "fail-over-cache shop-cache", "drain-region eu-west-1 now"]);
    show("region-down", 170, &["drain-region us-east-1 now", "switchover shop-global", "failover shop-global to=eu-west-1", "failover shop-global to=ap-southeast-1", "fail-over-cache shop-cache"]);
    show("partial-failure", 170, &["drain-region eu-west-1", "shift-weights", "shift-weights eu-west-1 percent=0"]);
    show("bad-canary", 170, &["shift-weights shop-canary percent=0", "drain-region ap-southeast-1"]);
    show("database-failure", 50, &["failover shop-global", "switchover shop-global", "promote-replica shop-us-east-1"]);
    show("database-failure", 400, &["promote-replica orders-eu-west-1", "promote-replica orders-ap-southeast-1"]);
    show("partition", 160, &["promote-replica orders-eu-west-1", "failover shop-global to=eu-west-1", "failover shop-global to=ap-southeast-1", "switchover shop-global to=eu-west-1", "drain-region eu-west-1"]);
    show("complete-outage", 150, &["drain-region eu-west-1 now", "failover shop-global to=eu-west-1", "drain-region us-east-1"]);
    show("stale-telemetry", 200, &["drain-region eu-west-1", "drain-region us-east-1", "failover shop-global to=eu-west-1"]);
    show("concurrent-operator", 60, &["drain-region eu-west-1"]);
    show("throttled-route53", 90, &["drain-region eu-west-1", "shift-weights api.shop.example percent=10"]);
    show("calm", 90, &["drain-region eu-west-1", "drain-region ap-southeast-1", "shift-weights api.shop.example weights=us-east-1:0,eu-west-1:0,ap-southeast-1:0", "promote-replica orders-eu-west-1", "failover shop-global to=eu-west-1", "drain-region eu-west-1,us-east-1"]);
    let drill = Drill::acting("calm", 90);
    for action in pilothouse::actions::ACTIONS { println!("{}: {:?}", action.name(), action.targets(&drill.state.fleet, &drill.state.conduct.ledger)); }
}
