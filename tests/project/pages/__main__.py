"""`python -m tests.project.pages`: write the pages, and the files that are made whole."""

from tests.project.pages.all_pages import PAGES, WHOLE, made

for path in (*PAGES, *WHOLE):
    path.write_text(made(path))
    print(f"made {path.name}")
