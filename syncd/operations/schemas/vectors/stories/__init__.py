"""The scenarios of merge.md section 5, told once for all SDKs: the same events, questions and answers."""
