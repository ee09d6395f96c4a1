# Every target is one line over `python -m eumlib …` or pytest; see docs/how_to/install.md for Windows.
PYTHON ?= python3
VENV = .venv
RUN = $(VENV)/bin/python -m

.PHONY: report site test test-browser pictures photographs lab study rivals fuzz check clean

# PROFILE=optional runs the optional notebooks, too.
report: $(VENV)/installed
	$(RUN) eumlib report$(if $(PROFILE), --profile $(PROFILE))

# The report of build/report as a site, build/site; runs no notebook.
site: $(VENV)/installed
	$(RUN) sphinx -q -d build/site-state docs build/site

test: $(VENV)/installed
	$(RUN) pytest --nbval-lax

# Needs Chromium, installs nothing, and says what is missing.
test-browser: $(VENV)/installed
	$(RUN) pytest -rs tests/test_browser*.py

# Damages files and kills commands, the same ones every time; minutes.
fuzz: $(VENV)/installed
	$(VENV)/bin/python benchmarks/attacks.py

# Needs Chromium.
pictures: $(VENV)/installed
	$(VENV)/bin/python benchmarks/readme_pictures.py

# Needs Chromium: each page of build/report and build/site at three widths, light and dark.
photographs: $(VENV)/installed
	$(VENV)/bin/python tests/photographs.py

lab: $(VENV)/installed
	$(RUN) jupyterlab notebooks --LabApp.app_settings_dir=lab

# Trains and judges what data/ holds; LFW=… takes your copy of LFW, MFR2=… the folder of MFR2, and
# LOG=… and PAIRS=… the log of masks of the paper's authors and LFW's list of pairs.
TABLES = build/study
EMBED = $(RUN) eumlib embed --backbone mobilefacenet --float16
FEATURES = $(RUN) eumlib features
MASKS = --seed 5 --mask flat --mask surgical --mask respirator --mask cloth
PICTURES = --faces $* $(if $(filter lfw,$*),$(if $(LFW),--root $(LFW)))

OF_PEOPLE = $(foreach set,lfw orl,$(TABLES)/$(set)_paper.parquet $(TABLES)/$(set)_camera.parquet) \
		$(if $(MFR2),$(TABLES)/mfr2.parquet)

study: $(OF_PEOPLE) $(if $(and $(LOG),$(PAIRS)),$(TABLES)/lfw_log.parquet $(TABLES)/lfw_pairs.txt)
	$(RUN) eumlib study $(TABLES)

# Trains and judges related systems on the study's tables and on feature maps, 4 GB in $(TABLES); goes
# on where it was stopped.
rivals: $(OF_PEOPLE) $(OF_PEOPLE:.parquet=.arrow) $(TABLES)/lfw_shared.parquet
	$(RUN) eumlib rivals $(TABLES) $(if $(LFW),--root $(LFW))

$(TABLES)/%_paper.parquet: | $(VENV)/installed
	$(EMBED) $(PICTURES) $(MASKS) --out $@

$(TABLES)/%_camera.parquet: | $(VENV)/installed
	$(EMBED) $(PICTURES) $(MASKS) --camera --out $@

$(TABLES)/%_paper.arrow: | $(VENV)/installed
	$(FEATURES) $(PICTURES) $(MASKS) --style flat --out $@

$(TABLES)/%_camera.arrow: | $(VENV)/installed
	$(FEATURES) $(PICTURES) $(MASKS) --camera --style surgical --style respirator --style cloth --out $@

$(TABLES)/mfr2.arrow: | $(VENV)/installed
	$(FEATURES) --faces mfr2 --root $(MFR2) --out $@

$(TABLES)/lfw_shared.parquet: | $(VENV)/installed
	$(EMBED) --faces lfw_test $(if $(LFW),--root $(LFW)) --seed 5 --shared 6 --out $@

$(TABLES)/mfr2.parquet: | $(VENV)/installed
	$(EMBED) --faces mfr2 --root $(MFR2) --out $@

$(TABLES)/lfw_log.parquet: | $(VENV)/installed
	$(EMBED) --faces lfw $(if $(LFW),--root $(LFW)) --replay $(LOG) --out $@

$(TABLES)/lfw_pairs.txt:
	mkdir -p $(TABLES) && cp $(PAIRS) $@

check: $(VENV)/installed
	$(RUN) ruff check . && $(RUN) ruff format --check .

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN) pip install --constraint constraints.txt --editable ".[test]"
	touch $@

clean:
	rm -rf $(VENV) build
