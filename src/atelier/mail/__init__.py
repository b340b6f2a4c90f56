"""E-mails to customers: when one is due, what it says, and how it is sent."""
