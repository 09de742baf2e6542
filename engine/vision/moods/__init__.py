"""What a face is worth as evidence of a mood: two expression networks, fused to three log-likelihoods."""
