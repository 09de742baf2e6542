"""Networks that users bring: what their files hold, what they take and give, and how they score faces."""
