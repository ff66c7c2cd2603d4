"""`python -m tests.project.pages`: write the pages."""

from tests.project.pages.all_pages import PAGES, made

for path in PAGES:
    path.write_text(made(path))
    print(f"made {path.name}")
