"""Carriers of alerts: e-mail, webhook, the log of the service."""
