"""Reports for people: text for a terminal, Markdown for a repository, pages that stand alone for a browser."""
