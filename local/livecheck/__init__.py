"""One sandbox VM in a real subscription, from tag to Protected to disabled, with every request and answer recorded."""
