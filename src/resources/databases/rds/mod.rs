//! What the RDS API lists. Owns the meaning of its status words; no call.

pub mod cluster;
pub mod global;
pub mod instance;
pub mod live;
pub mod write;

use crate::resources::rules::Words;

/// Status words of DB clusters and DB instances ("Viewing DB instance status" and "Viewing DB cluster status" of the RDS and Aurora guides).
const STATUS: Words = Words {
    fine: &[
        "available",
        "backing-up",
        "configuring-associated-roles",
        "configuring-enhanced-monitoring",
        "configuring-iam-database-auth",
        "configuring-log-exports",
        "storage-optimization",
        "update-iam-db-auth",
    ],
    passing: &[
        "backtracking",
        "converting-to-vpc",
        "creating",
        "delete-precheck",
        "deleting",
        "failing-over",
        "maintenance",
        "migrating",
        "modifying",
        "moving-to-vpc",
        "preparing-data-migration",
        "promoting",
        "rebooting",
        "renaming",
        "resetting-master-credentials",
        "scaling-compute",
        "scaling-storage",
        "starting",
        "stopped",
        "stopping",
        "storage-config-upgrade",
        "storage-initialization",
        "upgrading",
    ],
    broken: &[
        "cloning-failed",
        "failed",
        "inaccessible-encryption-credentials",
        "inaccessible-encryption-credentials-recoverable",
        "incompatible-create",
        "incompatible-credentials",
        "incompatible-network",
        "incompatible-option-group",
        "incompatible-parameters",
        "incompatible-restore",
        "insufficient-capacity",
        "migration-failed",
        "restore-error",
        "storage-full",
    ],
};
