"""Hardware chosen together with hyper-parameters: ours, peers and cheap controls on tables."""
