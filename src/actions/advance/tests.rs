//! Which region, which image.

use super::image;

#[test]
fn each_region_pulls_from_its_own_registry() {
    let there = "1.dkr.ecr.ap-southeast-1.amazonaws.com/shop/checkout:v2.15.0";
    let here = "1.dkr.ecr.us-east-1.amazonaws.com/shop/checkout:v2.14.3";
    assert_eq!(
        image(here, there),
        "1.dkr.ecr.us-east-1.amazonaws.com/shop/checkout:v2.15.0"
    );
    let pinned = "ghcr.io/shop/checkout@sha256:abc";
    assert_eq!(
        image("registry.local:5000/shop/checkout:v1", pinned),
        "registry.local:5000/shop/checkout@sha256:abc"
    );
    // Another repository is another thing: it is taken as it is.
    assert_eq!(image("ghcr.io/shop/cart:v1", pinned), pinned);
    // Without a registry there is none to keep.
    assert_eq!(
        image("shop/checkout:v1", "shop/checkout:v2"),
        "shop/checkout:v2"
    );
}
