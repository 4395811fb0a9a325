"""Tables of a report, one module a subject, shared by terminal and page."""
