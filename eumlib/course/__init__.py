"""What only the notebooks need: exercises that check themselves, tools, and what a report reads.

`check` tries an answer on fresh cases and gives a hint; `show` draws a tool live or as its static
twin; `publish` hands a table to the report. `write_student_copies` makes the notebooks without
answers.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
