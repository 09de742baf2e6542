"""The web page: sessions looked at, corrected and judged again in a browser, and new ones analysed."""
