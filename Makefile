# Every target is one line over `python -m eumlib …` or pytest; see the README for Windows.
PYTHON ?= python3
VENV = .venv
RUN = $(VENV)/bin/python -m

.PHONY: report test test-browser pictures lab study check clean

report: $(VENV)/installed
	$(RUN) eumlib report

test: $(VENV)/installed
	$(RUN) pytest --nbval-lax

# Needs Chromium, installs nothing, and says what is missing.
test-browser: $(VENV)/installed
	$(RUN) pytest -rs tests/test_browser*.py

# Needs Chromium.
pictures: $(VENV)/installed
	$(VENV)/bin/python benchmarks/readme_pictures.py

lab: $(VENV)/installed
	$(RUN) jupyterlab notebooks --LabApp.app_settings_dir=lab

# Trains and judges what data/models and data/study.json hold; LFW=… takes your copy of LFW.
TABLES = build/study
MASKS = --seed 5 --mask flat --mask flat --mask surgical --mask respirator --mask cloth
PICTURES = --faces $* $(if $(filter lfw,$*),$(if $(LFW),--root $(LFW)))

study: $(foreach set,lfw orl synthetic,$(TABLES)/$(set)_paper.parquet $(TABLES)/$(set)_camera.parquet)
	$(RUN) eumlib study $(TABLES)

$(TABLES)/synthetic_paper.parquet: data/synthetic_dlib_resnet_v1.parquet
	mkdir -p $(TABLES) && cp $< $@

$(TABLES)/synthetic_camera.parquet: | $(VENV)/installed
	$(RUN) eumlib embed --faces synthetic --count 10240 --seed 1 --float16 --camera \
		--mask flat --mask surgical --mask respirator --mask cloth --out $@

$(TABLES)/%_paper.parquet: | $(VENV)/installed
	$(RUN) eumlib embed $(PICTURES) $(MASKS) --out $@

$(TABLES)/%_camera.parquet: | $(VENV)/installed
	$(RUN) eumlib embed $(PICTURES) $(MASKS) --camera --out $@

check: $(VENV)/installed
	$(RUN) ruff check . && $(RUN) ruff format --check .

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN) pip install --constraint constraints.txt --editable ".[test]"
	touch $@

clean:
	rm -rf $(VENV) build
