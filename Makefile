# Every target is one line over `python -m eumlib …` or pytest; see the README for Windows.
PYTHON ?= python3
VENV = .venv
RUN = $(VENV)/bin/python -m

.PHONY: report test lab check clean

report: $(VENV)/installed
	$(RUN) eumlib report

test: $(VENV)/installed
	$(RUN) pytest --nbval-lax

lab: $(VENV)/installed
	$(RUN) jupyterlab notebooks

check: $(VENV)/installed
	$(RUN) ruff check . && $(RUN) ruff format --check .

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN) pip install --constraint constraints.txt --editable ".[test]"
	touch $@

clean:
	rm -rf $(VENV) build
