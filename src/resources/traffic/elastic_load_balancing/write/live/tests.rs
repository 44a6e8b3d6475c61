//! Does the whole list of actions go back with new weights only, and only over the weights that are expected?

use super::*;
use crate::{
    provider::canned::{self, Asked, Log, Reply},
    resources::{Estate, Place, change::Fate},
};

const GROUPS: &str = "<member><TargetGroupArn>arn:stable</TargetGroupArn><Weight>95</Weight></member>\
    <member><TargetGroupArn>arn:canary</TargetGroupArn><Weight>5</Weight></member>\
    <member><TargetGroupArn>arn:other</TargetGroupArn><Weight>1</Weight></member>";

/// A rule that asks who is there before it forwards, with sticky target groups.
fn actions() -> String {
    format!(
        "<member><Type>authenticate-oidc</Type><Order>1</Order><AuthenticateOidcConfig><Issuer>https://id.example</Issuer>\
         <AuthorizationEndpoint>https://id.example/a</AuthorizationEndpoint><TokenEndpoint>https://id.example/t</TokenEndpoint>\
         <UserInfoEndpoint>https://id.example/u</UserInfoEndpoint><ClientId>shop</ClientId><SessionTimeout>3600</SessionTimeout>\
         </AuthenticateOidcConfig></member>\
         <member><Type>forward</Type><Order>2</Order><ForwardConfig><TargetGroups>{GROUPS}</TargetGroups>\
         <TargetGroupStickinessConfig><Enabled>true</Enabled><DurationSeconds>600</DurationSeconds></TargetGroupStickinessConfig>\
         </ForwardConfig></member>"
    )
}

fn balancer(actions: &str, asked: &Asked) -> Reply {
    let action = asked.field("Action");
    let result = match action.as_str() {
        "DescribeRules" => format!(
            "<Rules><member><RuleArn>arn:r</RuleArn><Actions>{actions}</Actions></member></Rules>"
        ),
        "DescribeListeners" => format!(
            "<Listeners><member><ListenerArn>arn:l</ListenerArn><DefaultActions>{actions}</DefaultActions></member></Listeners>"
        ),
        _ => String::new(),
    };
    canned::query(&action, &result)
}

fn edit(name: &str, from: u32, to: u32) -> ForwardEdit {
    ForwardEdit {
        target_group_arn: format!("arn:{name}"),
        target_group_name: name.to_owned(),
        from,
        to,
    }
}

async fn applied(
    rule: Option<&str>,
    actions: String,
    edits: &[ForwardEdit],
) -> (Result<Receipt, ApplyError>, Log) {
    let (estate, token) = (Estate::default(), canned::token());
    let (config, log) = canned::logged(move |asked| balancer(&actions, asked));
    let write = Write::new(Ask::new(&estate, &Place::Global, config), &token);
    (apply(&write, "arn:l", rule, edits).await, log)
}

/// The fields of a call, sorted, without those of every call.
fn fields(asked: &Asked) -> Vec<String> {
    let body = asked.text();
    let mut fields: Vec<String> = body
        .split('&')
        .filter(|pair| !pair.starts_with("Version="))
        .map(|pair| pair.replace("%3A", ":").replace("%2F", "/"))
        .collect();
    fields.sort();
    fields
}

fn operations(log: &Log) -> Vec<String> {
    let log = log.lock().unwrap();
    log.iter().map(|asked| asked.field("Action")).collect()
}

#[tokio::test]
async fn a_rule_gets_its_actions_back_with_new_weights_and_nothing_lost() {
    let edits = [edit("stable", 95, 50), edit("canary", 5, 50)];
    let (result, log) = applied(Some("arn:r"), actions(), &edits).await;
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(operations(&log), ["DescribeRules", "ModifyRule"]);
    let log = log.lock().unwrap();
    assert!(fields(&log[0]).contains(&"RuleArns.member.1=arn:r".to_owned()));
    let first = "Actions.member.1.";
    let oidc = "Actions.member.1.AuthenticateOidcConfig.";
    let group = "Actions.member.2.ForwardConfig.TargetGroups.member.";
    let sticky = "Actions.member.2.ForwardConfig.TargetGroupStickinessConfig.";
    let mut expected = vec![
        "Action=ModifyRule".to_owned(),
        "RuleArn=arn:r".to_owned(),
        format!("{first}Type=authenticate-oidc"),
        format!("{first}Order=1"),
        format!("{oidc}Issuer=https://id.example"),
        format!("{oidc}AuthorizationEndpoint=https://id.example/a"),
        format!("{oidc}TokenEndpoint=https://id.example/t"),
        format!("{oidc}UserInfoEndpoint=https://id.example/u"),
        format!("{oidc}ClientId=shop"),
        format!("{oidc}SessionTimeout=3600"),
        format!("{oidc}UseExistingClientSecret=true"),
        "Actions.member.2.Type=forward".to_owned(),
        "Actions.member.2.Order=2".to_owned(),
        format!("{sticky}Enabled=true"),
        format!("{sticky}DurationSeconds=600"),
    ];
    for (index, (name, weight)) in [("stable", 50), ("canary", 50), ("other", 1)]
        .iter()
        .enumerate()
    {
        expected.push(format!("{group}{}.TargetGroupArn=arn:{name}", index + 1));
        expected.push(format!("{group}{}.Weight={weight}", index + 1));
    }
    expected.sort();
    assert_eq!(fields(&log[1]), expected);
}

#[tokio::test]
async fn the_default_action_is_that_of_the_listener() {
    let edits = [edit("canary", 5, 0)];
    let (result, log) = applied(None, actions(), &edits).await;
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(operations(&log), ["DescribeListeners", "ModifyListener"]);
    let log = log.lock().unwrap();
    let sent = fields(&log[1]);
    let weight = "DefaultActions.member.2.ForwardConfig.TargetGroups.member.2.Weight=0";
    assert!(sent.contains(&weight.to_owned()), "{sent:?}");
    assert!(sent.contains(&"ListenerArn=arn:l".to_owned()));
    for kept in ["Port", "Protocol", "Certificates", "SslPolicy"] {
        assert!(
            !sent.iter().any(|field| field.starts_with(kept)),
            "{sent:?}"
        );
    }
}

#[tokio::test]
async fn a_single_target_group_without_weight_gets_one() {
    let single = "<member><Type>forward</Type><TargetGroupArn>arn:only</TargetGroupArn></member>";
    let edits = [edit("only", 1, 100)];
    let (result, log) = applied(Some("arn:r"), single.to_owned(), &edits).await;
    assert!(result.is_ok(), "{result:?}");
    let log = log.lock().unwrap();
    let group = "Actions.member.1.ForwardConfig.TargetGroups.member.1.";
    let expected = [
        "Action=ModifyRule".to_owned(),
        format!("{group}TargetGroupArn=arn:only"),
        format!("{group}Weight=100"),
        "Actions.member.1.TargetGroupArn=arn:only".to_owned(),
        "Actions.member.1.Type=forward".to_owned(),
        "RuleArn=arn:r".to_owned(),
    ];
    assert_eq!(fields(&log[1]), expected);
}

#[tokio::test]
async fn other_weights_another_rule_or_an_unknown_action_are_left_alone() {
    let unknown = format!(
        "<member><Type>authenticate-face</Type></member>{}",
        actions()
    );
    let redirect = "<member><Type>redirect</Type></member>".to_owned();
    for (rule, actions, from, class) in [
        ("arn:r", actions(), 10, ErrorClass::Conflict),
        ("arn:r", redirect, 5, ErrorClass::Conflict),
        ("arn:gone", self::actions(), 5, ErrorClass::NotFound),
        ("arn:r", unknown, 5, ErrorClass::Terminal),
    ] {
        let edits = [edit("canary", from, 0)];
        let (result, log) = applied(Some(rule), actions, &edits).await;
        let error = result.unwrap_err();
        assert_eq!(
            (error.fate, error.error.class),
            (Fate::NotSent, class),
            "{error}"
        );
        assert_eq!(operations(&log), ["DescribeRules"]);
    }
}
