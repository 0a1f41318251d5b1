"""A release: artifacts that anyone can rebuild bit for bit, their bill of materials and hashes (`make release`)."""
