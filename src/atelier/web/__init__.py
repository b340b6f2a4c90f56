"""What the HTTP of all services shares: the application, its errors, its pages and their look."""
