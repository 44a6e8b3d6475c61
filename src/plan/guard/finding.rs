//! What a rule found, and how several findings make one verdict. Owns that the gravest counts and that all evidence is kept.

use super::{Guard, GuardId, Verdict};

/// One thing that a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How it weighs.
    pub verdict: Verdict,
    /// Value, threshold, age.
    pub evidence: String,
    /// What would make it pass.
    pub remedy: String,
}

/// Everything that a rule found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    list: Vec<Finding>,
}

impl Findings {
    /// Something that is as it should be.
    pub fn pass(&mut self, evidence: impl Into<String>) {
        self.add(Verdict::Pass, evidence, "");
    }

    /// Something to be known.
    pub fn warn(&mut self, evidence: impl Into<String>, remedy: impl Into<String>) {
        self.add(Verdict::Warn, evidence, remedy);
    }

    /// Something that cannot be told.
    pub fn unknown(&mut self, evidence: impl Into<String>, remedy: impl Into<String>) {
        self.add(Verdict::Unknown, evidence, remedy);
    }

    /// Something that is not as it must be.
    pub fn fail(&mut self, evidence: impl Into<String>, remedy: impl Into<String>) {
        self.add(Verdict::Fail, evidence, remedy);
    }

    /// A finding. The same one twice is one.
    pub fn add(
        &mut self,
        verdict: Verdict,
        evidence: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let finding = Finding {
            verdict,
            evidence: evidence.into(),
            remedy: remedy.into(),
        };
        if !self.list.contains(&finding) {
            self.list.push(finding);
        }
    }

    /// Those of another rule.
    pub fn extend(&mut self, other: Self) {
        for finding in other.list {
            self.add(finding.verdict, finding.evidence, finding.remedy);
        }
    }

    /// The verdict of the gravest; `None` when nothing was found.
    pub fn worst(&self) -> Option<Verdict> {
        self.list.iter().map(|finding| finding.verdict).max()
    }

    /// The guard: the gravest first, and `otherwise` when there was nothing to judge.
    pub fn guard(mut self, id: GuardId, otherwise: &str) -> Guard {
        // Stable: within a verdict the order in which it was found.
        self.list
            .sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
        let Some(worst) = self.list.first() else {
            return Guard::pass(id, otherwise);
        };
        let verdict = worst.verdict;
        let remedy = self
            .list
            .iter()
            .find(|finding| !finding.remedy.is_empty())
            .filter(|_| verdict != Verdict::Pass)
            .map_or_else(String::new, |finding| finding.remedy.clone());
        let evidence: Vec<String> = self
            .list
            .into_iter()
            .map(|finding| finding.evidence)
            .collect();
        Guard::new(id, verdict, evidence.join("; "), remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_finding_decides_and_comes_first() {
        let mut found = Findings::default();
        found.pass("eu-west-1 50 %");
        found.fail("ap-south-1 113 % > 85 %", "scale it up");
        found.warn("us-west-2 72 % > 70 %", "");
        let guard = found.guard(GuardId::Capacity, "");
        assert_eq!(guard.verdict, Verdict::Fail);
        assert_eq!(
            guard.evidence,
            "ap-south-1 113 % > 85 %; us-west-2 72 % > 70 %; eu-west-1 50 %"
        );
        assert_eq!(guard.remedy, "scale it up");
        let nothing = Findings::default().guard(GuardId::Capacity, "moves no traffic");
        assert_eq!(nothing.verdict, Verdict::Pass);
    }
}
