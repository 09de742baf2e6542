"""What is shown: reads storage only."""
