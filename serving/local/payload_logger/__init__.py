"""What a revision's `logger` asks for, and the sinks that its payload events are posted to."""
