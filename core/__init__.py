"""The network of needs, skills and people, whatever the messenger."""
