"""What a tenant does to jobs: plan one, cancel it, try it again, delete it."""
