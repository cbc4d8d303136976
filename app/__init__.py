"""The challenge service."""

VERSION = "0.1.0"
