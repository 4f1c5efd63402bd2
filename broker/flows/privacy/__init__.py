"""What is kept of people, against the policy in force."""
