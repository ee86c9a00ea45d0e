"""Being told of news instead of asking for it: subscriptions at hubs, and what they deliver (WebSub)."""
