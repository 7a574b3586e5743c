"""HTTP: routes, pages and headers. Translates between browsers and the use cases; decides nothing."""
