"""One program a peer, each as its own documentation shows it; every one runs in a process of its own."""
