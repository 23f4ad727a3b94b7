"""The web app in a real Chromium, before a real service, with faces before its camera."""
