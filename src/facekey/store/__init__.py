"""Where enrolled people and the audit log are kept: sealed, in one database."""
