"""What whoever runs the platform does by command: looks into what is stuck, repairs, tidies up."""
