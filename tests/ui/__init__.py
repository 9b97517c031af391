"""The operators' page in Debian's Chromium, driven by Playwright, on the local host and simulator (`make test-ui`)."""
